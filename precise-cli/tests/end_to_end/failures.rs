//! Files that cannot be read or written: a clear word, exit code 2, and nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;

use crate::common::{Place, Run, gz, lines, numbered, numbered_proofs, skipped, wait_for, zst};

#[test]
fn a_compressed_file_that_is_cut_off_leaves_nothing() {
    let place = Place::new();
    // Long enough that pieces are minted before the end is missed.
    let text = numbered(200_000);
    for (name, whole) in [
        ("in.ndjson.gz", gz(text.as_bytes())),
        ("in.csv.zst", zst(b"a\n1\n")),
        ("in.ndjson.zst", zst(text.as_bytes())),
        ("in.json.gz", gz(b"{}")),
    ] {
        for missing in [1, 5, whole.len() / 2] {
            place.write(name, &whole[..whole.len() - missing]);
            let stderr = place.run(&["mint", name, "-o", "out.parquet"]).fails(2);
            let complaint =
                format!("error: cannot read {name}: the compressed stream is cut off\n");
            assert_eq!(stderr, complaint);
            assert_eq!(place.names(), [name]);
        }
        fs::remove_file(place.path(name)).unwrap();
    }
}

#[test]
fn a_compressed_file_that_is_damaged_leaves_nothing() {
    let place = Place::new();
    let text = numbered(50_000);
    for (name, whole) in
        [("in.ndjson.gz", gz(text.as_bytes())), ("in.ndjson.zst", zst(text.as_bytes()))]
    {
        let mut checksum = whole.clone();
        let len = whole.len();
        checksum[len - 6] ^= 1;
        for bytes in [
            &[b"not compressed at all, but long enough", &text.as_bytes()[..100]].concat(),
            &[&whole[..], b"trailing"].concat(),
            &[&whole[..len / 2], &whole[len / 2 + 9..]].concat(),
        ] {
            place.write(name, bytes);
            place
                .run(&["mint", name, "-o", "out.parquet"])
                .fails_with(2, &[&format!("error: cannot read {name}: ")]);
            assert_eq!(place.names(), [name]);
        }
        fs::remove_file(place.path(name)).unwrap();
    }
}

#[test]
fn a_failure_leaves_the_output_of_an_earlier_run_alone() {
    let place = Place::new();
    let whole = gz(numbered(1000).as_bytes());
    place.write("in.ndjson.gz", &whole[..whole.len() - 9]);
    place.write("out.parquet", "old proofs");
    place.write("out.rejects.ndjson", "old rejects");
    place.run(&["mint", "in.ndjson.gz", "-o", "out.parquet"]).fails(2);
    assert_eq!(place.names(), ["in.ndjson.gz", "out.parquet", "out.rejects.ndjson"]);
    assert_eq!(place.text("out.parquet"), "old proofs");
    assert_eq!(place.text("out.rejects.ndjson"), "old rejects");
}

#[test]
fn inputs_that_are_missing_or_no_files_are_named() {
    let place = Place::new();
    place.write("good.ndjson", "{}\n");
    fs::create_dir(place.path("d.ndjson")).unwrap();
    for (input, complaint) in [
        ("no.ndjson", "cannot read no.ndjson: no such file or directory"),
        ("no.csv.gz", "cannot read no.csv.gz: no such file or directory"),
        ("d.ndjson", "cannot read d.ndjson: it is a directory"),
        ("good.ndjson/x.ndjson", "cannot read good.ndjson/x.ndjson: not a directory"),
        ("in.txt", "in.txt: cannot tell the format from the name; pass --format"),
        ("in", "in: cannot tell the format from the name; pass --format"),
    ] {
        let stderr = place.run(&["mint", "good.ndjson", input, "-o", "out.parquet"]).fails(2);
        assert_eq!(stderr, format!("error: {complaint}\n"));
    }
    assert_eq!(place.names(), ["d.ndjson", "good.ndjson"]);
}

#[test]
fn outputs_that_cannot_be_written_are_told_before_anything_is_read() {
    let place = Place::new();
    fs::create_dir(place.path("d.parquet")).unwrap();
    place.write("plain", "");
    place.write("frozen.parquet", "frozen");
    fs::set_permissions(place.path("frozen.parquet"), PermissionsExt::from_mode(0o444)).unwrap();
    for (output, complaint) in [
        ("no/out.parquet", "cannot write no/out.parquet: no such file or directory"),
        ("plain/out.parquet", "cannot write plain/out.parquet: not a directory"),
        ("d.parquet", "d.parquet: it is a directory"),
        ("frozen.parquet", "frozen.parquet: it is read-only"),
    ] {
        for args in [["-o", output, "--rejects", "r"], ["-o", "o.parquet", "--rejects", output]] {
            // Standard input stays open: whoever reads it first would hang.
            let child = place.start(&[&["mint", "-"], &args[..]].concat());
            let hold = child.stdin.as_ref().is_some();
            let stderr = wait_for(child).fails(2);
            assert!(hold && stderr.contains(complaint), "{output}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
    assert_eq!(place.names(), ["d.parquet", "frozen.parquet", "plain"]);
    assert_eq!(place.text("frozen.parquet"), "frozen");
}

#[test]
fn a_directory_nobody_may_write_to_is_named() {
    let place = Place::new();
    let locked = place.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), "").is_ok() {
        return skipped("this user may write to any directory, so none can be locked");
    }
    place
        .run_with(&["mint", "-", "-o", "locked/out.parquet"], b"{}")
        .fails_with(2, &["cannot write locked/out.parquet: permission denied"]);
}

#[test]
fn a_full_device_is_told() {
    let place = Place::new();
    let text = format!("{{\n{}", numbered(100));
    for args in [
        &["-", "-o", "/dev/full"][..],
        &["-", "-o", "/dev/full", "--rejects", "r.ndjson"],
        &["-", "-o", "o.parquet", "--rejects", "/dev/full"],
    ] {
        let run = place.run_with(&[&["mint"], args].concat(), text.as_bytes());
        assert_eq!(run.fails(2), "error: cannot write /dev/full: no space left on device\n");
        assert!(place.names().is_empty(), "{args:?}: {:?}", place.names());
    }
}

#[test]
fn standard_output_on_a_full_device_is_told() {
    let place = Place::new();
    place.write("in.ndjson", numbered(10));
    place.mint(&["in.ndjson", "-o", "in.parquet"]);
    let id = &place.proofs("in.parquet")[3].id;
    place.write("record.json", r#"{"i":3}"#);
    for args in [
        &["canonical", "record.json"][..],
        &["mint", "in.ndjson", "-o", "out.parquet"],
        &["mint", "in.ndjson", "-o", "-"],
        &["root", "in.parquet"],
        &["prove", "in.parquet", "--json", "--proof", id],
        &["verify", "--record", "record.json", "--proof", id],
        &["functions"],
        &["sample", "--events", "10", "-o", "-"],
        &["sample", "--events", "10000", "-o", "-"],
        &["demo", "--events", "10"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = place.command(args);
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let run = wait_for(child);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{args:?}: {}", run.stderr);
        let complaint = run.stderr.contains("cannot write ");
        let why = run.stderr.contains(": no space left on device");
        assert!(complaint && why, "{args:?}: {}", run.stderr);
    }
}

/// A file system of 1 MiB, unmounted in the end.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&path);
        let status = mount.stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then(|| Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_keeps_what_it_held() {
    let place = Place::new();
    let Some(small) = Small::mount(place.path("small")) else {
        return skipped("no small file system can be mounted by this user");
    };
    fs::write(small.0.join("out.parquet"), "old proofs").unwrap();
    // 20,000 proofs are about 2 MB.
    let text = numbered(20_000);
    let bad = lines(20_000, |i| format!("{{\"i\":{i}\n"));
    let names = || -> Vec<_> {
        fs::read_dir(&small.0).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    for (args, text, path) in [
        (&["-o", "small/out.parquet"][..], &text, "small/out.parquet"),
        (&["-o", "small/new.parquet"], &text, "small/new.parquet"),
        (&["-o", "plain.parquet", "--rejects", "small/new"], &bad, "small/new"),
    ] {
        let run = place.run_with(&[&["mint", "-"], args].concat(), text.as_bytes());
        run.fails_with(2, &["cannot write ", path, ": no space left on device\n"]);
        assert_eq!(names(), ["out.parquet"]);
    }
    assert_eq!(fs::read_to_string(small.0.join("out.parquet")).unwrap(), "old proofs");
    let run = place.run(&["sample", "--events", "5000", "-o", "small/events.ndjson"]);
    run.fails_with(2, &["cannot write small/events.ndjson: no space left on device\n"]);
    assert_eq!(names(), ["out.parquet"]);
    // What fits is written.
    place.mint_with(&["-", "-o", "small/out.parquet"], numbered(100).as_bytes());
    assert_eq!(place.proofs("small/out.parquet"), numbered_proofs(100));
}

#[test]
fn an_input_is_never_written_over() {
    let place = Place::new();
    place.write("in.ndjson", "{}\n");
    place.write("p.rejects.ndjson", "{\n");
    fs::create_dir(place.path("sub")).unwrap();
    std::os::unix::fs::symlink("in.ndjson", place.path("link.ndjson")).unwrap();
    for args in [
        &["in.ndjson", "-o", "in.ndjson"][..],
        &["in.ndjson", "-o", "./sub/../in.ndjson"],
        &["in.ndjson", "-o", "link.ndjson"],
        &["link.ndjson", "-o", "in.ndjson"],
        &["in.ndjson", "-o", "o.parquet", "--rejects", "in.ndjson"],
        // The default place of rejects counts too.
        &["p.rejects.ndjson", "-o", "p.parquet"],
    ] {
        place
            .run(&[&["mint"], args].concat())
            .fails_with(2, &["is an input and would be written over"]);
        assert_eq!(place.names(), ["in.ndjson", "link.ndjson", "p.rejects.ndjson", "sub"]);
        assert_eq!(place.text("in.ndjson"), "{}\n");
        assert_eq!(place.text("p.rejects.ndjson"), "{\n");
    }
}

#[test]
fn proofs_and_rejects_cannot_be_one_file() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    for (output, rejects) in [
        ("out", "out"),
        ("out", "./out"),
        ("sub/../out", "out"),
        ("-", "-"),
        ("sub/o", "sub/../sub/o"),
    ] {
        place
            .run_with(&["mint", "-", "-o", output, "--rejects", rejects], b"{}\n{\n")
            .fails_with(2, &["--output and --rejects are the same file"]);
        assert_eq!(place.names(), ["sub"]);
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error_to_talk_about() {
    let place = Place::new();
    place.write("in.ndjson", numbered(10));
    place.mint(&["in.ndjson", "-o", "in.parquet"]);
    let id = &place.proofs("in.parquet")[3].id;
    place.write("record.json", r#"{"i":3}"#);
    for args in [
        &["canonical", "record.json"][..],
        &["mint", "in.ndjson", "-o", "out.parquet"],
        &["root", "in.parquet"],
        &["prove", "in.parquet", "--json", "--proof", id],
        &["verify", "--record", "record.json", "--proof", id],
        &["functions"],
        &["functions", "--json"],
        &["sample", "--events", "10", "-o", "-"],
        &["sample", "--events", "30000", "-o", "-"],
        &["demo", "--events", "10"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.command(args);
        let child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let run = wait_for(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""), "{args:?}");
    }
    // Proofs themselves: nobody reads them, and nobody is told.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = place.command(&["mint", "in.ndjson", "-o", "-"]);
    let run = wait_for(command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""));
}

#[test]
fn two_runs_into_one_output_leave_one_whole_file() {
    let place = Place::new();
    let texts = [numbered(5000), numbered(9000)];
    thread::scope(|scope| {
        for text in &texts {
            let mint = || place.run_with(&["mint", "-", "-o", "out.parquet"], text.as_bytes());
            scope.spawn(move || mint().succeeds());
        }
    });
    let proofs = place.proofs("out.parquet");
    assert!([5000, 9000].contains(&proofs.len()), "{}", proofs.len());
    assert_eq!(proofs, numbered_proofs(proofs.len()));
    assert_eq!(place.names(), ["out.parquet"]);
}

#[test]
fn a_pipe_with_a_name_can_be_input_and_output() {
    let place = Place::new();
    for name in ["in.ndjson", "out.parquet"] {
        let made = Command::new("mkfifo").arg(place.path(name)).status();
        if !made.is_ok_and(|status| status.success()) {
            return skipped("mkfifo is not there");
        }
    }
    let child = place.start(&["mint", "in.ndjson", "-o", "out.parquet"]);
    let bytes = thread::scope(|scope| {
        scope.spawn(|| place.write("in.ndjson", numbered(10)));
        place.read("out.parquet")
    });
    Run::from(child.wait_with_output().unwrap()).succeeds();
    assert_eq!(place.names(), ["in.ndjson", "out.parquet"]);
    place.write("copy.parquet", bytes);
    assert_eq!(place.proofs("copy.parquet"), numbered_proofs(10));
}
