//! Replays the corpus: every seed, and every input that was once a finding.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use precise_fuzz::{TARGETS, Target};

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

/// What no server writes: real documents with bits turned, pieces cut, doubled and put elsewhere,
/// and words that lie about counts and lengths.
#[test]
fn every_damage_of_a_jsonb_keeps_the_laws() {
    damage("jsonb", precise_fuzz::jsonb, 40_000);
}

/// The same of what a log is made of, and of receipts, which strangers send.
#[test]
fn every_damage_of_a_log_keeps_the_laws() {
    const NAMES: &[&str] = &[
        "entry",
        "log_proof",
        "note",
        "policy",
        "receipt",
        "status_proof",
        "status_receipt",
        "verifier_key",
        "void_document",
    ];
    for (name, target) in TARGETS.iter().filter(|(name, _)| NAMES.contains(name)) {
        damage(name, *target, 3_000);
    }
}

#[test]
fn every_damage_of_a_rule_set_keeps_the_laws() {
    damage("ruleset", precise_fuzz::ruleset, 20_000);
}

#[test]
fn every_damage_of_what_is_summed_keeps_the_laws() {
    const NAMES: &[&str] = &[
        "accruals",
        "attribution_state",
        "royalty_state",
        "statement",
        "statement_line",
        "touch_path",
        "transitions",
    ];
    for (name, target) in TARGETS.iter().filter(|(name, _)| NAMES.contains(name)) {
        damage(name, *target, 20_000);
    }
}

/// Damages the inputs of a target so many times.
fn damage(name: &str, target: Target, times: usize) {
    const WORDS: [u32; 8] =
        [0, 1, u32::MAX, 0x0FFF_FFFF, 0x2000_0000, 0x4FFF_FFFF, 0x5000_0000, 0x9000_0004];
    let inputs = entries(&here("corpus").join(name));
    let originals: Vec<Vec<u8>> = inputs.iter().map(|input| fs::read(input).unwrap()).collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end.max(1) as u64) as usize
    };
    for _ in 0..times {
        let mut bytes = originals[below(originals.len())].clone();
        for _ in 0..=below(4) {
            let at = below(bytes.len());
            let len = below(bytes.len() - at + 1);
            match below(5) {
                0 => bytes.truncate(at),
                1 => {
                    let piece = bytes[at..at + len].to_vec();
                    let to = below(bytes.len() + 1);
                    bytes.splice(to..to, piece);
                }
                2 => {
                    let word = WORDS[below(WORDS.len())].to_ne_bytes();
                    let to = at / 4 * 4;
                    let end = (to + 4).min(bytes.len());
                    bytes.splice(to..end, word);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << below(8);
                    }
                }
            }
        }
        // Pieces that were doubled may double again.
        bytes.truncate(1 << 16);
        target(&bytes);
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
