//! Batches that have left a database, as CSV.

use precise_core::merkle::{Batch, Inclusion};
use precise_core::proof::format_id;
use precise_core::{Hash, hex};
use serde_json::Value;

use crate::common::{Place, gz, numbered_proofs, zst};

/// The hashes of batch 4 and those of batch 5.
fn hashes() -> [Vec<Hash>; 2] {
    let hashes: Vec<Hash> = numbered_proofs(60).iter().map(|proof| proof.hash).collect();
    [hashes[..40].to_vec(), hashes[40..].to_vec()]
}

fn root(hashes: &[Hash]) -> String {
    hex::format_hash(&Batch::new(hashes.to_vec()).unwrap().root()) + "\n"
}

/// As `\copy (SELECT * FROM precise.archive(…)) TO … (FORMAT csv, HEADER)` writes it.
fn archive() -> String {
    let mut text = String::from(
        "proof_hash,proof_id,record_id,version,seen,minted_at,batch_id,entry,tlog_proof,checkpoint\n",
    );
    for (batch, hashes) in (4..).zip(hashes()) {
        for (i, hash) in hashes.iter().enumerate() {
            text.push_str(&format!(
                "{},{},\"a \"\"record\"\", {i}\",,1,2026-11-23 12:00:00+00,{batch},\
                 \"{{\"\"v\"\":1}}\",\"c2sp.org/tlog-proof@v1\nindex 7\n\n— x\",signed\n",
                hex::format_hash(hash),
                format_id(hash),
            ));
        }
    }
    text
}

#[test]
fn an_archive_gives_each_batch_its_root() {
    let place = Place::new();
    place.write("archive.csv", archive());
    place.write("archive.csv.gz", gz(archive().as_bytes()));
    place.write("ARCHIVE.CSV.ZST", zst(archive().as_bytes()));
    let [fourth, fifth] = hashes();
    for file in ["archive.csv", "archive.csv.gz", "ARCHIVE.CSV.ZST"] {
        assert_eq!(place.run(&["root", file, "--batch", "4"]).succeeds(), root(&fourth));
        assert_eq!(place.run(&["root", file, "--batch", "5"]).succeeds(), root(&fifth));
        // The same proof twice is one leaf.
        let twice = ["root", file, file, "--batch", "5", "--json", "--column", "proof_id"];
        let printed: Value = serde_json::from_str(&place.run(&twice).succeeds()).unwrap();
        assert_eq!(printed["batches"][0]["count"], 20);
        assert_eq!(printed["duplicates"], 20);
    }
    // A file of one batch says which it is.
    let one = archive().replace(",5,", ",4,");
    place.write("one.csv", &one);
    let all = [fourth.clone(), fifth.clone()].concat();
    assert_eq!(place.run(&["root", "one.csv"]).succeeds(), root(&all));
    // As PostgreSQL prints bytes; hashes alone are one set.
    let list = |hashes: &[Hash]| {
        let digits = |hash: &Hash| hex::format_hash(hash).replacen("0x", "\\x", 1) + "\r\n";
        "Proof_Hash\r\n".to_owned() + &hashes.iter().map(digits).collect::<String>()
    };
    place.write("bytes.csv", list(&all));
    assert_eq!(place.run(&["root", "bytes.csv"]).succeeds(), root(&all));
    // With Parquet beside it.
    place.mint_with(&["-", "-o", "p.parquet"], b"{\"i\":0}\n{\"i\":41}\n");
    assert_eq!(place.run(&["root", "bytes.csv", "p.parquet"]).succeeds(), root(&all));
}

#[test]
fn an_archived_proof_is_proved() {
    let place = Place::new();
    place.write("archive.csv", archive());
    let [fourth, fifth] = hashes();
    let root = Batch::new(fifth.clone()).unwrap().root();
    for hash in &fifth {
        let proof = format_id(hash);
        let run = place.run(&["prove", "archive.csv", "--batch", "5", "--proof", &proof]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.starts_with("included as leaf "), "{}", run.stderr);
        let inclusion = Inclusion::parse(run.text().trim_end().as_bytes()).unwrap();
        assert!(inclusion.verify(hash, &root));
    }
    let proof = hex::format_hash(&fourth[0]);
    let run = place.run(&["prove", "archive.csv", "--batch", "5", "--proof", &proof]);
    assert!(run.stderr.starts_with("absent"), "{}", run.stderr);
}

#[test]
fn what_is_no_archive_is_refused() {
    let place = Place::new();
    place.write("archive.csv", archive());
    place.mint_with(&["-", "-o", "p.parquet"], b"1");
    let with = |name: &str, from: &str, to: &str| {
        place.write(name, archive().replacen(from, to, 1));
    };
    let first = hex::format_hash(&hashes()[0][0]);
    with("short.csv", &first, &first[..65]);
    with("upper.csv", &first, &first.to_uppercase());
    with("empty.csv", &first, "");
    with("unnamed.csv", "proof_hash", "hash");
    with("unbatched.csv", "batch_id", "batch");
    with("cells.csv", ",signed\n", "\n");
    with("open.csv", ",signed\n", ",\"signed\n");
    with("twice.csv", "proof_id", "proof_hash");
    place.write("header.csv", "proof_hash,batch_id\n");
    place.write("nothing.csv", "");
    let (one, all) = (&["--batch", "4"][..], &[][..]);
    for (file, batch, code, words) in [
        (
            "archive.csv",
            all,
            2,
            "row 41 of archive.csv is of batch \"5\", others are of batch \"4\"",
        ),
        ("archive.csv", &["--batch", "6"], 2, "there is no proof of batch \"6\""),
        ("archive.csv", &["--batch", "04"], 2, "there is no proof of batch \"04\""),
        ("p.parquet", one, 2, "--batch is for CSV"),
        ("short.csv", one, 2, "row 1 of short.csv: PR301"),
        ("upper.csv", one, 2, "row 1 of upper.csv: PR302"),
        ("empty.csv", one, 2, "row 1 of empty.csv: PR302"),
        ("unnamed.csv", one, 2, "has no column \"proof_hash\"; pass --column"),
        ("unbatched.csv", one, 2, "has no column \"batch_id\""),
        ("cells.csv", one, 2, "row 1 of cells.csv: it has 9 cells instead of 10"),
        ("open.csv", one, 2, "of open.csv"),
        ("twice.csv", one, 1, "cannot read twice.csv"),
        ("header.csv", all, 1, "cannot compute a root"),
        ("nothing.csv", all, 1, "cannot compute a root"),
        ("gone.csv", all, 2, "cannot read gone.csv"),
    ] {
        let run = place.run(&[&["root", file][..], batch].concat());
        assert_eq!(run.code, Some(code), "{file}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{file}: {}", run.stderr);
        assert_eq!(run.text(), "", "{file}");
    }
    place.write("other.csv", archive().replace(",4,", ",5,"));
    let run = place.run(&["root", "other.csv", "archive.csv"]);
    assert!(run.stderr.contains("row 1 of archive.csv is of batch"), "{}", run.stderr);
}
