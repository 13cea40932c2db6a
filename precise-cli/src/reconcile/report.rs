//! What a reconciliation came to: for people, and as JSON.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::event::{Bought, Seen};
use super::win::{Outcome, Rule, WHOLE, Win, micros, percentage, product};
use super::{Reconciliation, Sum, Sums};
use crate::names::shown;
use crate::rejects::{Rejected, thousands};
use crate::table::{self, Side};

/// Findings of a kind that are shown one by one; `--json` has all.
const SHOWN: usize = 20;

/// What came of it.
pub(crate) struct Summary {
    rows: u64,
    events: u64,
    rejected: Rejected,
    joined: bool,
    sums: Sums,
    repeated: u64,
    seen: Seen,
    findings: Vec<Finding>,
    seconds: f64,
}

/// Something that does not agree.
pub(super) enum Finding {
    Unexplained { row: u64, win: Win },
    Repeated { row: u64, first_row: u64, key: String },
    Price { row: u64, win_row: u64, win: Win, event: Bought },
    EventWithoutWin { row: u64, key: String },
    RepeatedEvent { row: u64, first_row: u64, key: String },
    WinWithoutEvent { row: u64, key: String },
}

impl Reconciliation {
    /// The end: also the rows that no event is of.
    pub(super) fn finish(
        mut self,
        rows: u64,
        events: u64,
        rejected: Rejected,
        seconds: f64,
    ) -> Summary {
        for kept in self.wins {
            if let (Some(win), None) = (kept.win, kept.event) {
                self.seen.wins_without_event += 1;
                self.findings.push(Finding::WinWithoutEvent { row: kept.row, key: win.key });
            }
        }
        let Self { joined, sums, repeated, findings, seen, .. } = self;
        Summary { rows, events, rejected, joined, sums, repeated, seen, findings, seconds }
    }
}

impl Summary {
    /// Whether every row is reconciled or explained, and every event at the price of its row.
    pub(crate) fn agrees(&self) -> bool {
        self.findings.is_empty() && self.rejected.total() == 0
    }

    fn count(&self, of: impl Fn(&Outcome) -> bool) -> u64 {
        let sums = self.sums.iter().filter(|((_, outcome), _)| of(outcome));
        sums.map(|(_, sum)| sum.rows).sum()
    }

    pub(crate) fn to_json(&self) -> Value {
        let by_rule = |asked: Rule| {
            self.count(
                |outcome| matches!(outcome, Outcome::Explained { rule, .. } if *rule == asked),
            )
        };
        let groups: Vec<Value> = self
            .sums
            .iter()
            .map(|((currency, outcome), sum)| group(currency, *outcome, *sum))
            .collect();
        let mut summary = json!({
            "rows": self.rows,
            "rejected": self.rejected.counts,
            "rejects": self.rejected.file_name(),
            "reconciled": self.count(|outcome| *outcome == Outcome::Reconciled),
            "explained": { "fee": by_rule(Rule::Fee), "bid_reduction": by_rule(Rule::Reduction) },
            "unexplained": self.count(|outcome| *outcome == Outcome::Unexplained),
            "repeated": self.repeated,
            "groups": groups,
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
            "agrees": self.agrees(),
            "seconds": self.seconds,
        });
        if self.joined {
            let Seen { impressions, others, of_clearing, of_cost, differing, .. } = self.seen;
            summary["events"] = json!({
                "records": self.events,
                "impressions": impressions,
                "others": others,
                "at_clearing_price": of_clearing,
                "at_win_cost": of_cost,
                "at_another_price": differing,
                "without_win": self.seen.without_win,
                "repeated": self.seen.repeated,
                "wins_without_event": self.seen.wins_without_event,
            });
        }
        summary
    }

    /// For people: counts, a table of what rows come to, and what does not agree.
    pub(crate) fn print(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut line = |count: u64, what: &str| writeln!(to, "{:>12}  {what}", thousands(count));
        line(self.rows, "rows of the win log")?;
        line(
            self.count(|outcome| *outcome == Outcome::Reconciled),
            "reconciled: the win cost is the clearing price",
        )?;
        line(
            self.count(|outcome| matches!(outcome, Outcome::Explained { .. })),
            "explained by a rate that the row names",
        )?;
        line(self.count(|outcome| *outcome == Outcome::Unexplained), "unexplained")?;
        if self.repeated > 0 {
            line(self.repeated, "with the id of an earlier row, and not counted above")?;
        }
        if self.joined {
            let seen = self.seen;
            line(seen.impressions, "impressions among the events")?;
            line(seen.of_clearing, "at the clearing price")?;
            for (count, what) in [
                (seen.of_cost, "at the win cost"),
                (seen.differing, "at another price or currency"),
                (seen.without_win, "without a row in the log"),
                (seen.repeated, "with the id of an earlier event"),
                (seen.wins_without_event, "rows of the log without an event"),
            ] {
                if count > 0 {
                    line(count, what)?;
                }
            }
        }
        self.rejected.print(to)?;
        self.print_groups(to)?;
        for (title, heads, kind) in KINDS {
            let rows: Vec<Vec<String>> =
                self.findings.iter().filter_map(|finding| finding.cells(kind)).collect();
            if rows.is_empty() {
                continue;
            }
            writeln!(to, "\n{title}:\n")?;
            table::print(heads, &rows[..rows.len().min(SHOWN)], to)?;
            if rows.len() > SHOWN {
                let others = thousands((rows.len() - SHOWN) as u64);
                writeln!(to, "and {others} more, which --json lists")?;
            }
        }
        Ok(())
    }

    fn print_groups(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.sums.is_empty() {
            return Ok(());
        }
        let rows: Vec<Vec<String>> = self
            .sums
            .iter()
            .map(|((currency, outcome), sum)| {
                let (words, rate) = described(*outcome);
                let (clearing, cost) = (micros(sum.clearing), micros(sum.cost));
                vec![words, rate, thousands(sum.rows), clearing, cost, shown(currency)]
            })
            .collect();
        writeln!(to, "\nAmounts in micros:\n")?;
        let heads = [
            ("", Side::Left),
            ("rate", Side::Right),
            ("rows", Side::Right),
            ("clearing price", Side::Right),
            ("win cost", Side::Right),
            ("currency", Side::Left),
        ];
        table::print(&heads, &rows, to)
    }
}

fn described(outcome: Outcome) -> (String, String) {
    match outcome {
        Outcome::Reconciled => ("reconciled".into(), String::new()),
        Outcome::Unexplained => ("unexplained".into(), String::new()),
        Outcome::Explained { rule, rate, rounded } => {
            let words = match rule {
                Rule::Fee => "win cost = clearing price × (1 + fee rate)",
                Rule::Reduction => "clearing price = win cost × (1 − bid reduction rate)",
            };
            let rounded = if rounded { ", to a whole micro" } else { "" };
            (format!("{words}{rounded}"), percentage(rate))
        }
    }
}

fn group(currency: &str, outcome: Outcome, sum: Sum) -> Value {
    let mut group = json!({
        "currency": (!currency.is_empty()).then_some(currency),
        "outcome": match outcome {
            Outcome::Reconciled => "reconciled",
            Outcome::Explained { .. } => "explained",
            Outcome::Unexplained => "unexplained",
        },
        "rows": sum.rows,
        "clearing_price_micros": micros(sum.clearing),
        "win_cost_micros": micros(sum.cost),
    });
    if let Outcome::Explained { rule, rate, rounded } = outcome {
        group["rule"] = rule.name().into();
        group["rate_micros"] = micros(rate).into();
        group["rounded"] = rounded.into();
    }
    group
}

/// Tables of findings: what they are, their columns, and which.
type Kind = (&'static str, &'static [(&'static str, Side)], &'static str);

const ROW: (&str, Side) = ("row", Side::Right);
const KEY: (&str, Side) = ("id", Side::Left);
const FIRST: (&str, Side) = ("first row", Side::Right);
const CLEARING: (&str, Side) = ("clearing price", Side::Right);
const COST: (&str, Side) = ("win cost", Side::Right);

const KINDS: [Kind; 6] = [
    (
        "Unexplained, in micros; what the rates of the row would give, and how far that is off",
        &[
            ROW,
            KEY,
            CLEARING,
            COST,
            ("by fee", Side::Right),
            ("off", Side::Right),
            ("by bid reduction", Side::Right),
            ("off", Side::Right),
        ],
        "unexplained",
    ),
    ("Rows with the id of an earlier one", &[ROW, FIRST, KEY], "repeated"),
    (
        "Impressions at another price, in micros",
        &[
            ROW,
            ("row of the log", Side::Right),
            KEY,
            ("price", Side::Right),
            CLEARING,
            COST,
            ("price − clearing price", Side::Right),
            ("currencies", Side::Left),
        ],
        "price",
    ),
    ("Impressions without a row in the log", &[ROW, KEY], "event_without_win"),
    ("Impressions with the id of an earlier one", &[ROW, FIRST, KEY], "repeated_event"),
    ("Rows of the log without an event", &[ROW, KEY], "win_without_event"),
];

impl Finding {
    fn kind(&self) -> &'static str {
        match self {
            Self::Unexplained { .. } => "unexplained",
            Self::Repeated { .. } => "repeated",
            Self::Price { .. } => "price",
            Self::EventWithoutWin { .. } => "event_without_win",
            Self::RepeatedEvent { .. } => "repeated_event",
            Self::WinWithoutEvent { .. } => "win_without_event",
        }
    }

    fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut set = |name: &str, value: Value| object.insert(name.into(), value);
        set("finding", self.kind().into());
        match self {
            Self::Unexplained { row, win } => {
                set("row", (*row).into());
                set("id", win.key.as_str().into());
                set("currency", win.currency.as_deref().into());
                set("clearing_price_micros", micros(win.clearing).into());
                set("win_cost_micros", micros(win.cost).into());
                set("fee_rate_micros", win.fee.map(micros).into());
                set("bid_reduction_rate_micros", win.reduction.map(micros).into());
                let by_fee = win.fee.map(|rate| win.by_fee(rate));
                set("win_cost_by_fee", by_fee.map(product).into());
                let by_reduction = win.reduction.map(|rate| win.by_reduction(rate));
                set("clearing_price_by_bid_reduction", by_reduction.map(product).into());
            }
            Self::Repeated { row, first_row, key }
            | Self::RepeatedEvent { row, first_row, key } => {
                set("row", (*row).into());
                set("first_row", (*first_row).into());
                set("id", key.as_str().into());
            }
            Self::Price { row, win_row, win, event } => {
                set("row", (*row).into());
                set("win_row", (*win_row).into());
                set("id", event.key.as_str().into());
                set("price_micros", micros(event.price).into());
                set("currency", event.currency.as_deref().into());
                set("clearing_price_micros", micros(win.clearing).into());
                set("win_cost_micros", micros(win.cost).into());
                set("win_currency", win.currency.as_deref().into());
                set("difference_micros", micros(event.price - win.clearing).into());
            }
            Self::EventWithoutWin { row, key } | Self::WinWithoutEvent { row, key } => {
                set("row", (*row).into());
                set("id", key.as_str().into());
            }
        }
        object.into()
    }

    /// Its line in the table of findings of this kind.
    fn cells(&self, kind: &str) -> Option<Vec<String>> {
        if self.kind() != kind {
            return None;
        }
        let text = |number: &u64| number.to_string();
        let dash = || "-".to_owned();
        Some(match self {
            Self::Unexplained { row, win } => {
                let by_fee = win.fee.map(|rate| win.by_fee(rate));
                let by_reduction = win.reduction.map(|rate| win.by_reduction(rate));
                let off = |due: Option<i128>, found: i128| {
                    due.map_or_else(dash, |due| product(found * WHOLE - due))
                };
                vec![
                    text(row),
                    shown(&win.key),
                    micros(win.clearing),
                    micros(win.cost),
                    by_fee.map_or_else(dash, product),
                    off(by_fee, win.cost),
                    by_reduction.map_or_else(dash, product),
                    off(by_reduction, win.clearing),
                ]
            }
            Self::Repeated { row, first_row, key }
            | Self::RepeatedEvent { row, first_row, key } => {
                vec![text(row), text(first_row), shown(key)]
            }
            Self::Price { row, win_row, win, event } => {
                let currency = |currency: &Option<String>| match currency {
                    Some(currency) => shown(currency),
                    None => dash(),
                };
                let (ours, theirs) = (currency(&event.currency), currency(&win.currency));
                vec![
                    text(row),
                    text(win_row),
                    shown(&event.key),
                    micros(event.price),
                    micros(win.clearing),
                    micros(win.cost),
                    micros(event.price - win.clearing),
                    if ours == theirs { ours } else { format!("{ours}, {theirs}") },
                ]
            }
            Self::EventWithoutWin { row, key } | Self::WinWithoutEvent { row, key } => {
                vec![text(row), shown(key)]
            }
        })
    }
}
