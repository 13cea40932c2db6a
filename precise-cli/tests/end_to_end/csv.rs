//! `precise mint` of CSV: text cells that stay text.

use serde_json::json;

use crate::common::{Place, Proof, gz, lines, records};

/// Mints `text` as CSV and gives the records' canonical forms.
fn mint(place: &Place, text: impl AsRef<[u8]>) -> Vec<String> {
    place.write("in.csv", text);
    place.mint(&["in.csv", "-o", "out.parquet", "--with-record"]);
    records(&place.proofs("out.parquet")).into_iter().map(Into::into).collect()
}

#[test]
fn cells_stay_text_and_the_header_is_folded() {
    let place = Place::new();
    let records =
        mint(&place, "Zip,PRICE,\u{c4}B,empty\n00501,1.50,true,\nnull,1e400,\u{e9},\"\"\n");
    assert_eq!(
        records,
        [
            r#"{"empty":"","price":"1.50","zip":"00501","Äb":"true"}"#,
            r#"{"empty":"","price":"1e400","zip":"null","Äb":"é"}"#
        ]
    );
    let proofs = place.proofs("out.parquet");
    assert_eq!(proofs[0], Proof::of(0, &records[0]).with_record(&records[0]));
}

#[test]
fn every_kind_of_line_end_ends_a_line_and_blank_lines_are_no_rows() {
    let place = Place::new();
    let expected = [r#"{"a":"1","b":"x y"}"#, r#"{"a":"2","b":""}"#];
    for end in ["\n", "\r\n", "\r"] {
        for last in ["", end] {
            for bom in ["", "\u{feff}"] {
                let text = format!("{bom}A,b{end}{end}1,x y{end}{end}{end}2,{last}");
                assert_eq!(mint(&place, &text), expected, "{text:?}");
            }
        }
    }
    assert_eq!(mint(&place, "a,b\r1,x y\r\n\n2,\n\r"), expected, "mixed");
}

#[test]
fn quotes_keep_separators_line_ends_and_quotes_and_a_backslash_is_no_escape() {
    let place = Place::new();
    let records = mint(
        &place,
        "a,b\n\"x, \\,\",\"say \"\"hi\"\"\"\n\"1\n2\",\"3\r\n4\r5\"\n\"\\\",\\\"\n\\\",in\"side\n",
    );
    assert_eq!(
        records,
        [
            r#"{"a":"x, \\,","b":"say \"hi\""}"#,
            r#"{"a":"1\n2","b":"3\r\n4\r5"}"#,
            // Were a backslash to escape, this would be one cell.
            r#"{"a":"\\","b":"\\\""}"#,
            r#"{"a":"\\\"","b":"in\"side"}"#
        ]
    );
}

#[test]
fn lines_with_another_number_of_cells_are_rejected_as_they_stand() {
    let place = Place::new();
    place.write("in.csv", "a,b\n1,2\n3\r\n\"4\n4\",5,\"6\"\n \n7,8\n");
    let summary = place.mint(&["in.csv", "-o", "out.parquet", "--with-record"]);
    let minted = place.proofs("out.parquet");
    assert_eq!(records(&minted), [r#"{"a":"1","b":"2"}"#, r#"{"a":"7","b":"8"}"#]);
    assert_eq!((minted[0].row, minted[1].row), (0, 4));
    assert_eq!(summary["rejected"], json!({ "PR110": 3 }));
    let rejects = place.objects("out.rejects.ndjson");
    for (reject, (row, raw, count)) in
        rejects.iter().zip([(1, "3", 1), (2, "\"4\n4\",5,\"6\"", 3), (3, " ", 1)])
    {
        assert_eq!(
            *reject,
            json!({
                "code": "PR110",
                "input": "in.csv",
                "message": format!(
                    "a line has another number of cells than the header: {count} instead of 2, \
                     at $"
                ),
                "offset": null,
                "path": "$",
                "raw": raw,
                "row": row,
            })
        );
    }
}

#[test]
fn a_quote_that_stays_open_takes_the_rest_and_is_rejected() {
    let place = Place::new();
    for end in ["", "\n"] {
        place.write("in.csv", format!("a,b\n1,2\n3,\"4\n5,6{end}"));
        let summary = place.mint(&["in.csv", "-o", "out.parquet"]);
        assert_eq!(place.proofs("out.parquet"), [Proof::of(0, r#"{"a":"1","b":"2"}"#)]);
        assert_eq!(summary["rejected"], json!({ "PR111": 1 }));
        let rejects = place.objects("out.rejects.ndjson");
        assert_eq!(rejects[0]["row"], 1);
        assert_eq!(rejects[0]["raw"], "3,\"4\n5,6");
    }
}

#[test]
fn cells_that_are_no_text_are_rejected_with_their_column() {
    let place = Place::new();
    place.write("in.csv", b"a,b c\n1,2\n3,\xE9\nnul\0,4\n");
    place.mint(&["in.csv", "-o", "out.parquet"]);
    assert_eq!(place.proofs("out.parquet").len(), 1);
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!((&rejects[0]["code"], &rejects[0]["path"]), (&json!("PR101"), &json!("$[\"b c\"]")));
    assert_eq!((&rejects[0]["raw_base64"], rejects[0].get("raw")), (&json!("Myzp"), None));
    assert_eq!((&rejects[1]["code"], &rejects[1]["path"]), (&json!("PR108"), &json!("$.a")));
    assert_eq!(rejects[1]["raw"], "nul\0,4");
}

#[test]
fn a_header_that_names_no_columns_refuses_the_file() {
    let place = Place::new();
    for (header, code) in [
        (&b"a,b,A\n1,2,3\n"[..], "PR112"),
        (b"a,,b\n1,2,3\n", "PR112"),
        (b"a,\n1,2\n", "PR112"),
        (b"a,\xE9\n1,2\n", "PR101"),
        (b"a,\"b\n1,2\n", "PR111"),
    ] {
        place.write("in.csv", header);
        let stderr = place.run(&["mint", "in.csv", "-o", "out.parquet"]).fails(1);
        assert!(stderr.contains(&format!("cannot read in.csv: {code} ")), "{stderr}");
        assert_eq!(place.names(), ["in.csv"]);
    }
}

#[test]
fn an_empty_file_or_a_header_alone_have_no_rows() {
    let place = Place::new();
    for text in ["", "\n\r\n", "\u{feff}", "a,b", "a,b\r\n", "a,b\r", "\r\n\na,b\n\n"] {
        assert_eq!(mint(&place, text), [""; 0], "{text:?}");
    }
    assert_eq!(place.names(), ["in.csv", "out.parquet"]);
}

#[test]
fn one_column_may_hold_json() {
    let place = Place::new();
    place.write(
        "in.csv",
        "ID,Payload\n1,\"{\"\"b\"\":1.50,\"\"a\"\":\"\"x,y\"\"}\"\n2,7\n3,\n4,{'}\n5\n6,\"[\n1]\"\n",
    );
    let args = ["in.csv", "-o", "out.parquet", "--with-record", "--column"];
    for name in ["payload", "Payload", "PAYLOAD"] {
        let summary = place.mint(&[&args[..], &[name]].concat());
        let proofs = place.proofs("out.parquet");
        assert_eq!(records(&proofs), [r#"{"a":"x,y","b":1.5}"#, "7", "[1]"]);
        assert_eq!(proofs.iter().map(|proof| proof.row).collect::<Vec<_>>(), [0, 1, 5]);
        assert_eq!(summary["rejected"], json!({ "PR103": 1, "PR104": 1, "PR110": 1 }));
    }
    let raws = place.objects("out.rejects.ndjson");
    let raws: Vec<_> = raws.iter().map(|reject| reject["raw"].as_str().unwrap()).collect();
    assert_eq!(raws, ["", "{'}", "5"]);

    let stderr = place.run(&["mint", "in.csv", "-o", "o.parquet", "--column", "pay"]).fails(2);
    assert_eq!(stderr, "error: in.csv has no column \"pay\"; its columns are id, payload\n");
}

#[test]
fn many_lines_come_out_in_order_compressed_or_not() {
    let place = Place::new();
    // More than one piece of 1 MiB, cut at other places than lines end.
    let count = 60_000;
    let rows = lines(count, |i| format!("{i},\"pad\r\n {i}\"\r\n"));
    let text = format!("N,Pad\r\n{rows}");
    assert!(text.len() > 1 << 20);
    place.write("in.csv", &text);
    place.write("in.csv.gz", gz(text.as_bytes()));
    let plain = place.mint(&["in.csv", "-o", "plain.parquet", "--with-record"]);
    let packed = place.mint(&["in.csv.gz", "-o", "packed.parquet", "--with-record"]);
    assert_eq!(plain["batches"], packed["batches"]);
    let proofs = place.proofs("plain.parquet");
    assert_eq!(proofs.len(), count);
    assert_eq!(proofs, place.proofs("packed.parquet"));
    for (i, proof) in proofs.iter().enumerate() {
        assert_eq!(proof.row, i as u64);
        let record = format!("{{\"n\":\"{i}\",\"pad\":\"pad\\r\\n {i}\"}}");
        assert_eq!(proof.record.as_deref(), Some(record.as_str()));
    }
}

#[test]
fn lines_come_out_whole_wherever_the_file_is_cut_to_be_read() {
    let place = Place::new();
    // Files are read in pieces of 1 MiB: here the last lines end about there.
    for len in (1 << 20) - 3..=(1 << 20) + 3_usize {
        for (last, cell) in [("z\n", "z"), ("z\r\n", "z"), ("z\r", "z"), ("z", "z"), ("\"z\"", "z")]
        {
            let pad = "y".repeat(len - "a\n\n".len() - last.len());
            let records = mint(&place, format!("a\n{pad}\n{last}"));
            let expected = [format!("{{\"a\":\"{pad}\"}}"), format!("{{\"a\":\"{cell}\"}}")];
            assert!(records == expected, "{last:?} ends at {len}");
        }
        let pad = "y".repeat(len - "a\n\n\"z\r\nx".len());
        place.write("in.csv", format!("a\n{pad}\n\"z\r\nx"));
        place.mint(&["in.csv", "-o", "out.parquet"]);
        assert_eq!(place.objects("out.rejects.ndjson")[0]["raw"], "\"z\r\nx", "{len}");
        std::fs::remove_file(place.path("out.rejects.ndjson")).unwrap();
    }
}

#[test]
fn lines_too_long_to_be_kept_are_rejected_and_the_next_is_minted() {
    let place = Place::new();
    let long = "x".repeat((96 << 20) + 1);
    let large = "y".repeat(17 << 20);
    place.write("in.csv", format!("a,b\n1,2\n{long},\n{large},\n3,4\n"));
    let summary = place.mint(&["in.csv", "-o", "out.parquet"]);
    assert_eq!(summary["rejected"], json!({ "PR902": 1, "PR903": 1 }));
    let minted = [Proof::of(0, r#"{"a":"1","b":"2"}"#), Proof::of(3, r#"{"a":"3","b":"4"}"#)];
    assert_eq!(place.proofs("out.parquet"), minted);
    let rejects = place.objects("out.rejects.ndjson");
    assert_eq!((&rejects[0]["row"], &rejects[0]["raw_cut"]), (&json!(1), &json!(true)));
    assert_eq!(rejects[0]["raw"], "x".repeat(1 << 16));
    assert_eq!((&rejects[1]["row"], &rejects[1]["path"]), (&json!(2), &json!("$")));
    assert_eq!(rejects[1]["raw"].as_str().unwrap().len(), (17 << 20) + 1);
}

#[test]
fn a_cell_that_goes_on_behind_its_closing_quote_is_refused() {
    let place = Place::new();
    place.write("in.csv", "a,b\n\"x\"y,2\nxy,2\n\"x\"\"y\",1\n\"1\" ,2\nsay \"hi\",3\n");
    let summary = place.mint(&["in.csv", "-o", "out.parquet", "--with-record"]);
    assert_eq!(summary["rejected"], json!({ "PR115": 2 }));
    let records: Vec<String> =
        place.proofs("out.parquet").into_iter().filter_map(|proof| proof.record).collect();
    assert_eq!(
        records,
        [r#"{"a":"xy","b":"2"}"#, r#"{"a":"x\"y","b":"1"}"#, r#"{"a":"say \"hi\"","b":"3"}"#]
    );
    let raws: Vec<_> =
        place.objects("out.rejects.ndjson").iter().map(|r| r["raw"].clone()).collect();
    assert_eq!(raws, [json!("\"x\"y,2"), json!("\"1\" ,2")]);
}

#[test]
fn another_delimiter_is_one_character_or_tab() {
    let place = Place::new();
    place.write("in.csv", "a;b\n\"x;y\";2,5\n");
    place.mint(&["in.csv", "-o", "out.parquet", "--with-record", "--delimiter", ";"]);
    let record = place.proofs("out.parquet").remove(0).record;
    assert_eq!(record.as_deref(), Some(r#"{"a":"x;y","b":"2,5"}"#));
    place.write("in.csv", "a\tb\n1\t2\n");
    place.mint(&["in.csv", "-o", "out.parquet", "--with-record", "--delimiter", "tab"]);
    let record = place.proofs("out.parquet").remove(0).record;
    assert_eq!(record.as_deref(), Some(r#"{"a":"1","b":"2"}"#));
    for wrong in ["", ";;", "\"", "é"] {
        place
            .run(&["mint", "in.csv", "-o", "out.parquet", "--delimiter", wrong])
            .fails_with(2, &["one character is expected"]);
    }
}
