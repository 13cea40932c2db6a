//! `precise audience --label`: an audience that differs too little from an earlier one stays where
//! it is (SPEC.md section 8.8).

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use arrow_array::{ArrayRef, StringArray};
use serde_json::{Value, json};

use crate::common::{Place, lines, skipped, wait_for, wait_until};

type Tested = Result<(), Box<dyn Error>>;

/// Everybody rents; who is in which zip code counts.
const RULES: &str = r#"{"cohorts":[{"all":[{"eq":"rent","signal":"housing"}],"geo":"zip","name":"renters"}],"version":"1"}"#;

const K: usize = 20;

fn person(member: usize, zip: &str) -> String {
    format!(
        "{{\"dma\":\"501\",\"housing\":\"rent\",\"member_id\":\"m{member}\",\"zip\":\"{zip}\"}}\n"
    )
}

/// Members of one zip code, from and to.
fn people(from: usize, to: usize) -> String {
    (from..to).map(|member| person(member, "10013")).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write("rules.json", RULES);
    place
}

/// Arguments of a release of `in.ndjson`.
const RELEASE: [&str; 10] = [
    "audience",
    "in.ndjson",
    "--rules",
    "rules.json",
    "--k",
    "20",
    "--label",
    "renters",
    "--state",
    "state",
];

/// Releases these people, which must go well: with how many releases they were compared.
#[track_caller]
fn release(place: &Place, people: &str) -> Result<Value, serde_json::Error> {
    place.write("in.ndjson", people);
    let printed = place.run(&[&RELEASE[..], &["--json"]].concat()).succeeds();
    Ok(serde_json::from_str::<Value>(&printed)?["compared"].take())
}

/// Is refused these people, and keeps nothing of them.
#[track_caller]
fn refuse(place: &Place, people: &str) {
    place.write("in.ndjson", people);
    let before = releases(place);
    let run = place.run(&[&RELEASE[..], &["-o", "refused.json"]].concat());
    run.fails_with(1, &["cannot release the audience \"renters\": PR506", "hint: "]);
    assert_eq!(releases(place), before);
    assert!(!place.names().contains(&"refused.json".to_owned()));
}

/// The names of the releases that are kept.
fn releases(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("state/releases")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_release_differs_from_each_earlier_one_by_k_members_or_none() -> Tested {
    let place = place();
    assert_eq!(release(&place, &people(0, 100))?, 0);
    // The same people, in another order and with more records, are the same release.
    let turned: String =
        (0..200).map(|i| person(199 - i - 100 * usize::from(i < 100), "10013")).collect();
    assert_eq!(release(&place, &turned)?, 1);
    assert_eq!(releases(&place).len(), 1);
    for (from, to) in [(0, 99), (1, 100), (0, 101), (3, 100), (5, 105), (0, 100 + K - 1)] {
        refuse(&place, &people(from, to));
    }
    // Half of k come and half of them go; k come.
    assert_eq!(release(&place, &people(K / 2, 100 + K / 2))?, 1);
    refuse(&place, &people(K / 2 + 1, 100 + K / 2));
    assert_eq!(release(&place, &people(0, 100 + K + K / 2))?, 2);
    // From the last it differs by far more than k, and from the first by too few.
    refuse(&place, &people(0, 101));
    assert_eq!(releases(&place).len(), 3);
    Ok(())
}

#[test]
fn who_changes_cohorts_differs_though_nobody_comes_or_goes() -> Tested {
    let place = place();
    let moved = |count: usize| -> String {
        lines(100, |i| person(i, if i < 50 + count { "10013" } else { "20001" }))
    };
    assert_eq!(release(&place, &moved(0))?, 0);
    refuse(&place, &moved(1));
    refuse(&place, &moved(K - 1));
    assert_eq!(release(&place, &moved(K))?, 1);
    // With another k other cohorts are named, and everybody's seats differ.
    place.write("in.ndjson", moved(0));
    place.run(&[&RELEASE[..4], &["--k", "60"], &RELEASE[6..]].concat()).succeeds();
    assert_eq!(releases(&place).len(), 3);
    Ok(())
}

#[test]
fn records_that_name_nobody_are_compared_one_by_one() -> Tested {
    let place = place();
    let alone =
        |from: usize, to: usize| -> String { people(from, to).replace("member_id", "some_id") };
    let twice = "{\"housing\":\"rent\"}\n".repeat(K);
    assert_eq!(release(&place, &(alone(0, 50) + &twice))?, 0);
    assert_eq!(release(&place, &(twice.clone() + &alone(0, 50)))?, 1);
    refuse(&place, &(alone(0, 51) + &twice));
    refuse(&place, &(alone(0, 50) + &twice + "{\"housing\":\"rent\"}\n"));
    assert_eq!(release(&place, &(alone(0, 50) + &twice + &twice))?, 1);
    Ok(())
}

#[test]
fn a_hundred_thousand_members_and_three_small_zip_codes() -> Tested {
    let place = place();
    let zip = |member: usize| match member {
        0..600 => "10014",
        600..1300 => "10016",
        1300..1500 => "20001",
        1500..2600 => "30301",
        member if member % 2 == 0 => "10013",
        _ => "94103",
    };
    let audience = |skipped: usize| -> String {
        (0..100_000).skip(skipped).map(|member| person(member, zip(member))).collect()
    };
    let args = ["audience", "in.ndjson", "--rules", "rules.json", "--label", "renters", "--state"];
    let args = [&args[..], &["state", "--json"]].concat();
    place.write("in.ndjson", audience(0));
    let found: Value = serde_json::from_str(&place.run(&args).succeeds())?;
    // 600 and 700 of one region are named as that. 200 of another are in the remainder, by way of
    // their market area and their name; so few could be found, and take the smallest with them.
    let named = [("renters_10013", 48_700), ("renters_94103", 48_700), ("renters_zip3_100", 1300)];
    let named = named.map(|(id, n)| json!({ "id": id, "n": n }));
    assert_eq!(found["cohorts"], json!(named));
    let document: Value = serde_json::from_str(found["document"].as_str().ok_or("no document")?)?;
    assert_eq!((&document["count"], &document["k"]), (&json!(100_000), &json!(1000)));
    assert_eq!(document["ruleset_hash"], found["ruleset_hash"]);

    place.write("in.ndjson", audience(3));
    let error: Value = serde_json::from_str(&place.run(&args).fails(1))?;
    assert_eq!(error["error"]["code"], "PR506");
    place.write("in.ndjson", audience(1000));
    let found: Value = serde_json::from_str(&place.run(&args).succeeds())?;
    assert_eq!((&found["compared"], releases(&place).len()), (&json!(1), 2));
    Ok(())
}

#[test]
fn zip_codes_widen_to_their_region_and_then_to_each_records_market_area() -> Tested {
    let place = place();
    let people: String = (0..60)
        .map(|i| match i {
            0..40 => person(i, if i % 4 == 0 { "10013" } else { "10014" }),
            _ => person(i, "20001").replace("\"501\"", if i % 2 == 0 { "\"511\"" } else { "7" }),
        })
        .collect();
    place.write("in.ndjson", people);
    let found = |k: &str| -> Result<Value, Box<dyn Error>> {
        let args = ["audience", "in.ndjson", "--rules", "rules.json", "--json", "--k", k];
        Ok(serde_json::from_str::<Value>(&place.run(&args).succeeds())?["cohorts"].take())
    };
    let one = |id: &str, n: usize| json!({ "id": id, "n": n });
    let zips = [one("renters_10013", 10), one("renters_10014", 30), one("renters_20001", 20)];
    assert_eq!(found("10")?, json!(zips));
    // 10 stay alone on every way up to the remainder, and take the smallest with them.
    assert_eq!(found("11")?, json!([one("renters_10014", 30)]));
    // 20 of which 10 say no market area meet those 10 as `renters`.
    assert_eq!(found("21")?, json!([one("renters", 30), one("renters_10014", 30)]));
    Ok(())
}

#[test]
fn a_column_beside_the_record_is_compared_like_a_field_of_it() -> Tested {
    let place = place();
    release(&place, &people(0, 100))?;
    let parquet = |from: usize, to: usize| {
        let payload: ArrayRef =
            Arc::new(StringArray::from_iter_values((from..to).map(|i| person(i, "10013"))));
        let member: ArrayRef =
            Arc::new(StringArray::from_iter_values((from..to).map(|i| format!("m{i}"))));
        place.write_parquet("in.parquet", vec![("payload", payload), ("member_id", member)]);
        place.run(&[&["audience", "in.parquet"], &RELEASE[2..]].concat())
    };
    parquet(0, 100).succeeds();
    assert_eq!(releases(&place).len(), 1, "it is the release that was there");
    parquet(2, 100).fails_with(1, &["PR506"]);
    Ok(())
}

#[test]
fn what_is_kept_names_nobody_and_is_its_owners() -> Tested {
    let place = place();
    release(&place, &people(0, 100))?;
    let mode = |path: &str| -> Result<u32, std::io::Error> {
        Ok(fs::metadata(place.path(path))?.permissions().mode() & 0o777)
    };
    let names = releases(&place);
    let [name] = &names[..] else { return Err("not one release".into()) };
    let file = format!("state/releases/{name}");
    assert_eq!((mode("state")?, mode("state/releases")?), (0o700, 0o700));
    assert_eq!((mode("state/key")?, mode(&file)?), (0o600, 0o600));
    let bytes = place.read(&file);
    assert_eq!(bytes.len(), 100 * 32);
    assert!(bytes.chunks(32).is_sorted());
    let key = place.text("state/key");
    assert!(key.ends_with(" renters\n") && key.len() == 64 + " renters\n".len(), "{key}");
    // A label has a key of its own, so that nobody can be followed from one to the other.
    let other = [&RELEASE[..6], &["--label", "others", "--state", "other"]].concat();
    place.run(&other).succeeds();
    assert_ne!(place.text("other/key").split(' ').next(), key.split(' ').next());
    assert!(!place.path("other/releases").join(name).exists());
    // By default the state is below the user's.
    let mut command = place.command(&RELEASE[..8]);
    command.env("XDG_STATE_HOME", place.path("home"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    wait_for(command.spawn()?).succeeds();
    assert!(place.path("home/precise/audience%20renters/key").exists());
    Ok(())
}

#[test]
fn two_at_once_are_compared_with_each_other() -> Tested {
    for _ in 0..4 {
        let place = place();
        // Each could be the first; they differ by one member.
        place.write("a.ndjson", people(0, 100));
        place.write("b.ndjson", people(0, 101));
        let runs: Vec<_> = thread::scope(|scope| {
            let run = |input| {
                let place = &place;
                scope.spawn(move || place.run(&[&["audience", input], &RELEASE[2..]].concat()))
            };
            let runs = [run("a.ndjson"), run("b.ndjson")];
            runs.into_iter().map(|run| run.join().map_err(|_| "a run panicked")).collect()
        });
        let mut codes = Vec::new();
        for run in runs {
            codes.push(run?.code);
        }
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(1)]);
        assert_eq!(releases(&place).len(), 1);
    }
    Ok(())
}

#[test]
fn a_release_that_cannot_be_kept_is_none() -> Tested {
    let place = place();
    release(&place, &people(0, 100))?;
    place.write("in.ndjson", people(0, 200));
    let releases_folder = place.path("state/releases");
    let frozen = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, PermissionsExt::from_mode(mode))
    };
    frozen(&releases_folder, 0o500)?;
    if fs::write(releases_folder.join("probe"), "").is_ok() {
        fs::remove_file(releases_folder.join("probe"))?;
        skipped("this user may write to any directory, so none can be locked");
    } else {
        let run = place.run(&[&RELEASE[..], &["-o", "out.json"]].concat());
        run.fails_with(2, &["cannot write state/releases/", "permission denied"]);
        assert!(!place.path("out.json").exists());
    }
    frozen(&releases_folder, 0o700)?;
    // A file stands where the state should be.
    place.write("file", "");
    let run = place.run(&[&RELEASE[..8], &["--state", "file"]].concat());
    run.fails_with(2, &["file"]);
    // On a disk that is full the document is not written either.
    let small = place.path("small");
    fs::create_dir(&small)?;
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&small).stderr(Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        skipped("no small file system can be mounted by this user");
        return Ok(());
    }
    place.write("in.ndjson", people(0, 10_000));
    let run = place.run(&[&RELEASE[..8], &["--state", "small/state", "-o", "out.json"]].concat());
    let left = fs::read_dir(small.join("state/releases"))?.count();
    let unmounted = Command::new("umount").arg(&small).status()?;
    assert!(unmounted.success());
    run.fails_with(2, &["cannot write small/state/releases/", "no space left on device"]);
    assert_eq!(left, 0, "nothing half-written stays");
    assert!(!place.path("out.json").exists());
    Ok(())
}

#[test]
fn a_state_that_was_changed_is_not_believed() -> Tested {
    let place = place();
    release(&place, &people(0, 100))?;
    let [name] = &releases(&place)[..] else { return Err("not one release".into()) };
    let file = format!("state/releases/{name}");
    let bytes = place.read(&file);
    place.write("in.ndjson", people(0, 200));
    let mut turned = bytes.clone();
    turned.rotate_left(32);
    for changed in [&bytes[..bytes.len() - 1], &bytes[..32], &[], &turned] {
        place.write(&file, changed);
        let words = ["cannot compare with the release state/releases/", name];
        place.run(&RELEASE).fails_with(2, &words);
    }
    place.write(&file, &bytes);
    let key = place.text("state/key");
    for changed in ["", "key", &key[1..], &key.replace(' ', "  "), key.trim_end()] {
        place.write("state/key", changed);
        let run = place.run(&RELEASE);
        assert_eq!(run.code, Some(2), "{changed:?}: {}", run.stderr);
    }
    place.write("state/key", key.replace("renters", "others"));
    place.run(&RELEASE).fails_with(2, &["is the key of the label \"others\""]);
    // Without the key nobody could tell who was in the releases that are there.
    fs::remove_file(place.path("state/key"))?;
    place.run(&RELEASE).fails_with(2, &["cannot compare with the releases in", "is gone"]);
    assert!(!place.path("state/key").exists());
    place.write("state/key", key);
    place.run(&RELEASE).succeeds();
    Ok(())
}

fn kill(mut child: Child) {
    // One that has ended cannot be killed.
    let _ = child.kill();
    wait_for(child);
}

#[test]
fn a_kill_leaves_a_state_with_which_the_next_run_goes_on() -> Tested {
    let place = place();
    release(&place, &people(0, 100))?;
    // One that waits for its input has made the state, and holds no lock.
    let mut command = place.command(&[&["audience", "-"], &RELEASE[2..]].concat());
    command.env("TMPDIR", place.path(".")).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let hold = child.stdin.take();
    assert_eq!(release(&place, &people(0, 100))?, 1);
    kill(child);
    drop(hold);
    // What one leaves that is killed while it writes goes with the next.
    place.write("state/releases/.precise-left", "half");
    assert_eq!(release(&place, &people(0, 200))?, 1);
    assert_eq!(releases(&place).len(), 2);
    // Wherever it is killed, there are whole releases only.
    let mut kept = 2;
    for delay in 0..12_u64 {
        place.write("in.ndjson", people(0, 20_000 + 100 * delay as usize));
        let child = place.start(&RELEASE);
        thread::sleep(std::time::Duration::from_millis(150 + 40 * delay));
        kill(child);
        let whole = releases(&place).iter().filter(|name| name.len() == 64).count();
        assert!((kept..=kept + 1).contains(&whole), "{whole}");
        kept = whole;
    }
    assert_eq!(release(&place, &people(0, 40_000))?, kept);
    wait_until("what was left is gone", || releases(&place).len() == kept + 1);
    Ok(())
}

#[test]
fn a_label_is_a_short_text_and_has_a_state() {
    let place = place();
    place.write("in.ndjson", people(0, 100));
    let long = "x".repeat(65);
    for label in ["", &long, "a\nb", "\u{7f}"] {
        let label = format!("--label={label}");
        let args = [&RELEASE[..6], &[&label, "--state", "state"]].concat();
        place.run(&args).fails_with(2, &["1 to 64 bytes are expected"]);
    }
    let args = [&RELEASE[..6], &["--state", "state"]].concat();
    place.run(&args).fails_with(2, &["--label"]);
    assert_eq!(place.names(), ["in.ndjson", "rules.json"]);
    // A slash in it makes no folder.
    let mut command = place.command(&[&RELEASE[..6], &["--label", "../q4/é"]].concat());
    command.env("XDG_STATE_HOME", place.path("home"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match command.spawn() {
        Ok(child) => wait_for(child).succeeds(),
        Err(error) => panic!("{error}"),
    };
    assert!(place.path("home/precise/audience%20..%2Fq4%2F%C3%A9/key").exists());
}
