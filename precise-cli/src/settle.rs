//! `precise settle`: what is due and what was carried in, what is paid and what is carried out
//! (SPEC.md sections 10.2 to 10.4).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use precise_core::money::{Amount, Currency, MinorDigits};
use precise_core::royalty::{
    Balances, Line, Period, Settlement, Statement, StatementKey, StatementLines,
};
use precise_core::{Code, Error, canonical};
use serde_json::{Value, json};

use crate::args::read_secret;
use crate::canonical::read_record;
use crate::failure::{Failure, Result};
use crate::fields::{Field, find};
use crate::interrupt;
use crate::log::now;
use crate::names::shown;
use crate::output::Output;
use crate::royalty::csv_cell;
use crate::table::{self, Side, aligned};

/// What to settle.
pub(crate) struct Job {
    pub(crate) accruals: Vec<PathBuf>,
    /// Statements whose carried amounts are added.
    pub(crate) carried: Vec<PathBuf>,
    /// None: all there is, which is of one.
    pub(crate) currency: Option<String>,
    /// None: the currency's, by ISO 4217.
    pub(crate) minor_digits: Option<i64>,
    /// With one there is a statement, made with the key in this file.
    pub(crate) period: Option<(String, PathBuf)>,
    /// Where the statement and its lines go.
    pub(crate) out: Option<PathBuf>,
}

/// What came of it.
pub(crate) struct Settled {
    settlement: Settlement,
    statement: Option<Statement>,
    written: Option<(PathBuf, usize)>,
}

/// Settles, and writes what is asked for.
pub(crate) fn run(job: &Job) -> Result<Settled> {
    let period = match &job.period {
        Some((text, _)) => Some(closed_period(text)?),
        None => None,
    };
    let mut due = Vec::new();
    for path in &job.accruals {
        due.push(read_accruals(path, job.currency.as_deref())?);
    }
    let mut seen: Vec<(String, &Path)> = Vec::new();
    for path in &job.carried {
        let text = read_record(path)?;
        let (settlement, of) = read_statement(path, &text)?;
        if let (Some(of), Some(period)) = (&of, &period)
            && of.as_str() >= period.as_str()
        {
            return Err(Failure::Usage(format!(
                "{} is of {}, which is not before {}",
                path.display(),
                of.as_str(),
                period.as_str()
            )));
        }
        let json = settlement.to_json();
        if let Some((_, other)) = seen.iter().find(|(known, _)| *known == json) {
            let (path, other) = (path.display(), other.display());
            return Err(Failure::Usage(format!("{path} carries what {other} carries already")));
        }
        seen.push((json, path));
        let carried = carried(&settlement);
        if !carried.is_empty() {
            due.push(carried);
        }
    }
    let balances = Balances::parse(format!("[{}]", due.join(",")).as_bytes()).map_err(refused)?;
    let minor_digits = match (job.minor_digits, balances.currency()) {
        (Some(digits), _) => MinorDigits::new(digits).map_err(refused)?,
        (None, Some(currency)) => MinorDigits::of(currency),
        (None, None) => return Err(refused(Error::new(Code::Accruals).because("there are none"))),
    };
    let settlement = balances.settle(minor_digits).map_err(refused)?;
    let (Some(period), Some((_, key))) = (period, &job.period) else {
        return Ok(Settled { settlement, statement: None, written: None });
    };
    let key = read_key(key)?;
    let statement = Statement::new(settlement.clone(), period, &key).map_err(refused)?;
    let written = match &job.out {
        Some(directory) => Some((directory.clone(), write(directory, &statement, key)?)),
        None => None,
    };
    Ok(Settled { settlement, statement: Some(statement), written })
}

fn refused(error: Error) -> Failure {
    let what = match error.code() {
        Code::MixedCurrencies => "cannot settle all of it; --currency says what of it",
        _ => "cannot settle",
    };
    Failure::refused(what, error)
}

/// A month that is over.
///
/// Error: PR608 before its end.
fn closed_period(text: &str) -> Result<Period> {
    let period = Period::parse(text)
        .map_err(|error| Failure::Usage(format!("--period {text}: {error}; it is like 2026-11")))?;
    // A period is four digits, a hyphen and two. Times of this form sort as texts do, and the
    // month that comes after December is after all of its year.
    let (year, month) = text.split_once('-').unwrap_or_default();
    let next = month.parse().map_or(0, |month: u32| month + 1);
    if now()?.to_string() < format!("{year}-{next:02}") {
        return Err(refused(Error::new(Code::OpenPeriod).because(text.to_owned())));
    }
    Ok(period)
}

/// The elements of the array of accruals in a file, which may be that of `precise royalty --json`.
fn read_accruals(path: &Path, currency: Option<&str>) -> Result<String> {
    let refused =
        |error: Error| Failure::refused(format!("cannot settle {}", path.display()), error);
    let accruals = |why: &'static str| refused(Error::new(Code::Accruals).because(why));
    let mut text = read_record(path)?;
    let is_array = text.trim_ascii().first() == Some(&b'[');
    if !is_array || currency.is_some() {
        text = canonical::canonicalize(&text).map_err(refused)?;
    }
    if !is_array {
        let field = Field::parse("accruals").map_err(refused)?;
        let [found] = find(&[field], &text);
        text = found.ok_or_else(|| accruals("there is no member accruals"))?.to_vec();
    }
    if let Some(currency) = currency {
        // Of canonical text no number has more digits than this keeps.
        let Ok(Value::Array(elements)) = serde_json::from_slice(&text) else {
            return Err(accruals("it is not an array"));
        };
        let of_it: Vec<Value> =
            elements.into_iter().filter(|element| element["currency"] == currency).collect();
        if of_it.is_empty() {
            let (path, currency) = (path.display(), currency);
            return Err(Failure::Usage(format!("{path} has nothing in {currency}")));
        }
        text = Value::from(of_it).to_string().into_bytes();
    }
    match Balances::parse(&text) {
        // Which currency it is, is said once for all files.
        Err(error) if error.code() != Code::MixedCurrencies => return Err(refused(error)),
        _ => {}
    }
    let text = String::from_utf8_lossy(&text);
    let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    Ok(inner.unwrap_or_default().to_owned())
}

/// A statement or a settlement, and of which period it is.
fn read_statement(path: &Path, text: &[u8]) -> Result<(Settlement, Option<Period>)> {
    match Statement::parse(text) {
        Ok(statement) => Ok((statement.settlement().clone(), Some(statement.period().clone()))),
        Err(error) => match Settlement::parse(text) {
            Ok(settlement) => Ok((settlement, None)),
            Err(_) => Err(Failure::refused(format!("cannot read {}", path.display()), error)),
        },
    }
}

/// What a settlement carries, as elements of accruals.
fn carried(settlement: &Settlement) -> String {
    let carries = |line: &&Line| line.carried != Amount::default();
    let element = |line: &Line| {
        json!({
            "accrued": line.carried.to_string(),
            "contributor": line.contributor,
            "currency": settlement.currency().as_str(),
        })
        .to_string()
    };
    let lines = settlement.lines().iter().filter(carries).map(element);
    lines.collect::<Vec<_>>().join(",")
}

/// The key in a file; if there is none it is made, and nobody else may read it.
fn read_key(path: &Path) -> Result<StatementKey> {
    if !path.exists() {
        let failed = |error: io::Error| Failure::io("write", path, &error);
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| failed(io::Error::other(error.to_string())))?;
        let hash = precise_core::hex::format_hash(&key);
        let mut file = tempfile::Builder::new()
            .prefix(".precise-")
            .tempfile_in(crate::output::parent(path))
            .map_err(failed)?;
        interrupt::begin(file.path());
        writeln!(file, "{}", &hash[2..])
            .and_then(|()| file.as_file().sync_all())
            .map_err(failed)?;
        file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    }
    let key = read_secret(path)?;
    StatementKey::from_bytes(&key).map_err(refused)
}

/// Writes the statement, its head, its table, and each contributor's line. How many lines.
fn write(directory: &Path, statement: &Statement, key: StatementKey) -> Result<usize> {
    let lines = directory.join("lines");
    fs::create_dir_all(&lines).map_err(|error| Failure::io("write", &lines, &error))?;
    let path = directory.join("statement.json");
    let text = statement.to_json();
    // What was settled once is settled: the same again changes nothing, and other is no second one.
    if fs::read(&path).is_ok_and(|known| known.trim_ascii() != text.as_bytes()) {
        let path = path.display();
        return Err(Failure::Usage(format!("{path} is another statement; it stays as it is")));
    }
    write_file(&directory.join("head.json"), &statement.head().to_json())?;
    write_file(
        &directory.join("statement.csv"),
        to_csv(statement.settlement(), Some(statement)).trim_end(),
    )?;
    let tree = StatementLines::new(statement.clone(), key).map_err(refused)?;
    let width = statement.settlement().lines().len().saturating_sub(1).to_string().len();
    for (i, line) in statement.settlement().lines().iter().enumerate() {
        let name = format!("{i:0width$}-{}.json", file_name(&line.contributor));
        let line = tree.line(&line.contributor).map_err(refused)?;
        write_file(&lines.join(name), &line.to_json())?;
    }
    write_file(&path, &text)?;
    Ok(statement.settlement().lines().len())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    let mut output = Output::create(path)?;
    writeln!(output, "{text}").map_err(|error| Failure::io("write", path, &error))?;
    output.finish()
}

/// A name that every file system takes; the number before it tells two of the same apart.
fn file_name(contributor: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    contributor.chars().take(60).map(plain).collect()
}

/// A line for each contributor, below one with the columns' names.
fn to_csv(settlement: &Settlement, statement: Option<&Statement>) -> String {
    let mut csv = String::from("period,currency,contributor,amount,carried\n");
    let period = statement.map_or("", |statement| statement.period().as_str());
    let (currency, digits) = (settlement.currency(), settlement.minor_digits());
    for Line { amount, carried, contributor } in settlement.lines() {
        let (contributor, amount) = (csv_cell(contributor), digits.format(*amount));
        csv.push_str(&format!("{period},{currency},{contributor},{amount},{carried}\n"));
    }
    csv
}

impl Settled {
    /// The statement, or without a period the settlement.
    pub(crate) fn to_json(&self) -> String {
        match &self.statement {
            Some(statement) => statement.to_json(),
            None => self.settlement.to_json(),
        }
    }

    /// The lines as CSV.
    pub(crate) fn to_csv(&self) -> String {
        to_csv(&self.settlement, self.statement.as_ref())
    }

    /// For people: a table of parts and of what is carried.
    pub(crate) fn print(&self, to: &mut dyn Write) -> io::Result<()> {
        print(&self.settlement, to)?;
        if let Some(statement) = &self.statement {
            let head = statement.head();
            writeln!(to)?;
            writeln!(to, "{:>12}  {}", "period", statement.period().as_str())?;
            let sum_root = precise_core::hex::format_hash(head.sum_root());
            writeln!(to, "{:>12}  {sum_root}", "sum root")?;
            let hash = precise_core::hex::format_hash(&head.hash());
            writeln!(to, "{:>12}  {hash}", "statement")?;
        }
        if let Some((directory, lines)) = &self.written {
            let directory = directory.display();
            writeln!(to, "{:>12}  {directory}, with {lines} lines in {directory}/lines", "files")?;
        }
        Ok(())
    }
}

/// Prints what each contributor was owed, is paid, and has carried.
pub(crate) fn print(settlement: &Settlement, to: &mut dyn Write) -> io::Result<()> {
    let digits = settlement.minor_digits();
    // A balance was made of its parts, and cannot be too large; debts of many together can.
    let owed = |line: &Line| line.amount as i128 * digits.unit() + line.carried.units();
    let text = |units: i128| Amount::from_units(units).ok().map(|amount| amount.to_string());
    let lines = settlement.lines();
    let total = |units: &dyn Fn(&Line) -> i128| {
        let sum = lines.iter().try_fold(0_i128, |sum, line| sum.checked_add(units(line)));
        sum.and_then(text).unwrap_or("-".into())
    };
    let mut columns: [Vec<String>; 3] = [
        lines.iter().map(|line| text(owed(line)).unwrap_or_default()).collect(),
        lines.iter().map(|line| digits.format(line.amount)).collect(),
        lines.iter().map(|line| line.carried.to_string()).collect(),
    ];
    columns[0].push(total(&owed));
    columns[1].push(digits.format(settlement.total()));
    columns[2].push(total(&|line| line.carried.units()));
    let columns = columns.map(|column| aligned(column.iter().map(String::as_str)));
    let names = lines.iter().map(|line| shown(&line.contributor)).chain(["total".into()]);
    let rows: Vec<Vec<String>> = names
        .enumerate()
        .map(|(i, name)| {
            let mut row = vec![name];
            row.extend(columns.iter().map(|column| column[i].clone()));
            row
        })
        .collect();
    let currency: Currency = settlement.currency();
    let owed = format!("owed, {currency}");
    let heads = [
        ("contributor", Side::Left),
        (owed.as_str(), Side::Left),
        ("paid", Side::Left),
        ("carried", Side::Left),
    ];
    table::print(&heads, &rows, to)
}
