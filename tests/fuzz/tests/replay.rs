//! Replays the corpus: every seed, and every input that was once a finding.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use precise_fuzz::TARGETS;

#[test]
fn every_input_of_the_corpus_keeps_the_laws() {
    for (name, target) in TARGETS {
        let inputs = entries(&here("corpus").join(name));
        assert!(inputs.len() >= 5, "{name} has {} inputs", inputs.len());
        for input in inputs {
            // Shown only if the target panics.
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_fuzzer_and_every_fuzzer_a_target() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(targets.len(), TARGETS.len());
    let names = |folder: &str| -> BTreeSet<String> {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_string();
        entries(&here(folder)).iter().map(stem).collect()
    };
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("libfuzzer/fuzz_targets"), targets);
    let manifest = fs::read_to_string(here("libfuzzer").join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let source = here("libfuzzer/fuzz_targets").join(name).with_extension("rs");
        let source = fs::read_to_string(source).unwrap();
        assert!(source.contains(&format!("precise_fuzz::{name}(")), "{name}");
        assert!(manifest.contains(&format!("\"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

/// Short inputs of every kind, for targets whose corpus has only the plausible ones.
#[test]
fn every_single_byte_and_every_pair_keeps_the_laws() {
    for (_, target) in TARGETS {
        target(b"");
        for first in 0..=255 {
            target(&[first]);
            for second in 0..=255 {
                target(&[first, second]);
            }
        }
    }
}

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}
