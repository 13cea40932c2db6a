//! `precise sample`: made-up ad events, the same for the same seed on any machine.
//!
//! Their shape is docs/event.schema.json. Every byte of chance comes from BLAKE3's output stream,
//! keyed with the seed, so that no generator's version can change the events.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::args::Sample;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::progress::Progress;

/// Events written at a time.
const PIECE: u64 = 8192;

pub(crate) fn run(command: &Sample) -> Result<ExitCode> {
    write(&command.output, command.events, command.seed)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes `events` events to `path`; its extension says how.
pub(crate) fn write(path: &Path, events: u64, seed: u64) -> Result<()> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let extension =
        |end: &str| Path::new(&name).extension().is_some_and(|extension| extension == end);
    let known = [".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz", ".ndjson.zst", ".jsonl.zst"];
    let lines = path == Path::new("-") || known.iter().any(|end| name.ends_with(end));
    if !lines && !extension("parquet") {
        return Err(Failure::Usage(format!(
            "{}: the name must end in .ndjson, .ndjson.gz, .ndjson.zst or .parquet",
            path.display()
        )));
    }
    let mut output = Output::create(path)?;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Io(format!("cannot write {}: {error}", path.display()))
    };
    let io_failed = |error: io::Error| Failure::io("write", path, &error);
    if extension("parquet") {
        write_parquet(&mut output, events, seed, &failed)?;
    } else if extension("gz") {
        let writer = GzEncoder::new(&mut output, flate2::Compression::fast());
        let writer = write_lines(writer, events, seed, &io_failed)?;
        writer.finish().map_err(io_failed)?;
    } else if extension("zst") {
        let writer = zstd::Encoder::new(&mut output, 3).map_err(io_failed)?;
        let writer = write_lines(writer, events, seed, &io_failed)?;
        writer.finish().map_err(io_failed)?;
    } else {
        write_lines(BufWriter::new(&mut output), events, seed, &io_failed)?
            .flush()
            .map_err(io_failed)?;
    }
    output.finish()
}

type Failed<'f> = dyn Fn(&dyn std::fmt::Display) -> Failure + 'f;

fn write_lines<W: Write>(
    mut writer: W,
    events: u64,
    seed: u64,
    failed: &dyn Fn(io::Error) -> Failure,
) -> Result<W> {
    let progress = Progress::events(events);
    let mut generator = Generator::new(seed);
    let mut text = String::new();
    let mut done = 0;
    while done < events {
        text.clear();
        let now = PIECE.min(events - done);
        for _ in 0..now {
            generator.append_event(&mut text);
            text.push('\n');
        }
        writer.write_all(text.as_bytes()).map_err(failed)?;
        done += now;
        progress.set(done);
    }
    progress.finish();
    Ok(writer)
}

fn write_parquet(output: &mut Output, events: u64, seed: u64, failed: &Failed<'_>) -> Result<()> {
    let schema = Arc::new(Schema::new(vec![Field::new("payload", DataType::Utf8, false)]));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(output, schema.clone(), Some(properties))
        .map_err(|error| failed(&error))?;
    let progress = Progress::events(events);
    let mut generator = Generator::new(seed);
    let mut done = 0;
    while done < events {
        let now = PIECE.min(events - done);
        let payload = StringArray::from_iter_values((0..now).map(|_| {
            let mut event = String::new();
            generator.append_event(&mut event);
            event
        }));
        let columns: Vec<ArrayRef> = vec![Arc::new(payload)];
        RecordBatch::try_new(schema.clone(), columns)
            .map_err(|error| failed(&error))
            .and_then(|batch| writer.write(&batch).map_err(|error| failed(&error)))?;
        done += now;
        progress.set(done);
    }
    progress.finish();
    writer.close().map_err(|error| failed(&error))?;
    Ok(())
}

/// A stream of events.
struct Generator {
    stream: blake3::OutputReader,
    buffer: [u8; 4096],
    used: usize,
}

const COHORTS: [&str; 8] = [
    "eco_urban_renters",
    "auto_intenders",
    "cord_cutters",
    "sports_streamers",
    "new_parents",
    "pet_owners",
    "home_improvers",
    "frequent_flyers",
];
/// Postal code and the market area it lies in.
const PLACES: [(&str, &str); 8] = [
    ("10013", "501"),
    ("90001", "803"),
    ("60601", "602"),
    ("94103", "807"),
    ("77002", "618"),
    ("02108", "506"),
    ("33101", "528"),
    ("98101", "819"),
];
const PUBLISHERS: [&str; 6] = ["discovery_plus", "hulu", "pluto_tv", "télé_québec", "tubi", "fubo"];
const DEVICES: [&str; 4] = ["ctv", "mobile", "desktop", "tablet"];
const SIGNALS: [(&str, &str); 5] = [
    ("broadcaster_x", "viewing_behavior"),
    ("retailer_y", "purchase_intent"),
    ("identity_graph_z", "household_link"),
    ("weather_w", "local_weather"),
    ("auto_registry_v", "vehicle_ownership"),
];

impl Generator {
    fn new(seed: u64) -> Self {
        let stream = blake3::Hasher::new_derive_key("precise 2026 sample events v1")
            .update(&seed.to_le_bytes())
            .finalize_xof();
        Self { stream, buffer: [0; 4096], used: 4096 }
    }

    fn next(&mut self) -> u64 {
        if self.used == self.buffer.len() {
            self.stream.fill(&mut self.buffer);
            self.used = 0;
        }
        let bytes = self.buffer[self.used..].first_chunk().expect("the buffer is whole words");
        self.used += 8;
        u64::from_le_bytes(*bytes)
    }

    /// A number below `bound`. Its bias, at most bound / 2^64, is of no matter here.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn append_event(&mut self, text: &mut String) {
        let event_type = match self.below(1000) {
            0..940 => "impression",
            940..985 => "click",
            985..997 => "conversion",
            _ => "attribution",
        };
        let (zip, dma) = self.one_of(&PLACES);
        let cohort = self.one_of(&COHORTS);
        let (day, second) = (1 + self.below(31), self.below(86_400));
        let bid_cents = 500 + self.below(3000);
        let clearing_cents = bid_cents * (60 + self.below(40)) / 100;
        // A String takes every write.
        let _ = write!(
            text,
            "{{\"event_type\":\"{event_type}\",\
             \"timestamp\":\"2025-01-{day:02}T{:02}:{:02}:{:02}Z\",\
             \"event_id\":\"evt_{:016x}\",\
             \"campaign_id\":\"madhive_{}\",\
             \"cohort_id\":\"{cohort}_{zip}\",\
             \"proof_hash\":\"0x{:016x}{:016x}{:016x}{:016x}\",",
            second / 3600,
            second / 60 % 60,
            second % 60,
            self.next(),
            10_000 + self.below(500),
            self.next(),
            self.next(),
            self.next(),
            self.next(),
        );
        if self.below(2) == 0 {
            let _ = write!(text, "\"member_id\":\"m_{:08}\",", self.below(50_000_000));
        }
        let _ = write!(
            text,
            "\"metadata\":{{\"dsp\":\"beeswax\",\"publisher\":\"{}\",\
             \"geo\":{{\"zip\":\"{zip}\",\"dma\":\"{dma}\"}},\"device\":\"{}\",\
             \"creative_id\":\"cr_{}\",\"bid_price\":{}.{:02},\"clearing_price\":{}.{:02}",
            self.one_of(&PUBLISHERS),
            self.one_of(&DEVICES),
            100 + self.below(900),
            bid_cents / 100,
            bid_cents % 100,
            clearing_cents / 100,
            clearing_cents % 100,
        );
        if self.below(8) == 0 {
            let _ = write!(text, ",\"currency\":\"{}\"", self.one_of(&["USD", "EUR", "JPY"]));
        }
        text.push_str("},\"attribution\":{\"data_contributors\":[");
        self.append_contributors(text);
        text.push_str("]}}");
    }

    /// One to four contributors whose weights are tenths that sum to one.
    fn append_contributors(&mut self, text: &mut String) {
        let count = 1 + self.below(4);
        let first = self.below(SIGNALS.len() as u64);
        let mut tenths_left = 10;
        for i in 0..count {
            let others = count - 1 - i;
            let tenths =
                if others == 0 { tenths_left } else { 1 + self.below(tenths_left - others) };
            tenths_left -= tenths;
            let (id, signal) = SIGNALS[((first + i) % SIGNALS.len() as u64) as usize];
            let comma = if i == 0 { "" } else { "," };
            let weight = if tenths == 10 { "1".into() } else { format!("0.{tenths}") };
            let _ = write!(
                text,
                "{comma}{{\"id\":\"{id}\",\"signal_type\":\"{signal}\",\"weight\":{weight}}}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(seed: u64, count: usize) -> Vec<String> {
        let mut generator = Generator::new(seed);
        let event = |_| {
            let mut text = String::new();
            generator.append_event(&mut text);
            text
        };
        (0..count).map(event).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_events_and_another_gives_others() {
        assert_eq!(events(7, 100), events(7, 100));
        assert_ne!(events(7, 1), events(8, 1));
    }

    #[test]
    fn every_event_can_be_minted_and_its_weights_sum_to_one() {
        for event in events(1, 2000) {
            precise_core::canonical::canonicalize(event.as_bytes()).expect("it can be minted");
            let value: serde_json::Value = serde_json::from_str(&event).expect("an event is JSON");
            let weights = value["attribution"]["data_contributors"].as_array().unwrap();
            let tenths: f64 = weights.iter().map(|c| c["weight"].as_f64().unwrap() * 10.0).sum();
            assert!((tenths - 10.0).abs() < 1e-9, "{event}");
        }
    }
}
