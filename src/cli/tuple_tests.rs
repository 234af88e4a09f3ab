use super::*;

#[test]
fn lines_are_sent_in_requests_that_are_taken() {
    let (short, long) = ("x".repeat(100), "\"".repeat(100_000));
    let mut lines = vec![short.as_str(); 1_200];
    lines.extend(vec![long.as_str(); 20]);
    let batches = batches(&lines).unwrap();
    assert_eq!(batches.first(), Some(&(0..500)));
    let mut next = 0;
    for batch in &batches {
        assert_eq!(batch.start, next, "nothing is left out and nothing is sent twice");
        next = batch.end;
        let body = json!({"lines": lines[batch.clone()], "first_line": batch.start + 1, "prefix": ""}).to_string();
        assert!(batch.len() <= BATCH && body.len() < 1024 * 1024, "{batch:?} has {} bytes", body.len());
    }
    assert_eq!(next, lines.len());
    assert!(batches.len() >= 3 + 20 * 200_000 / BATCH_BYTES);
}

#[test]
fn a_line_that_cannot_be_sent_is_named_before_anything_is_written() {
    let long = "x".repeat(BATCH_BYTES);
    let refused = batches(&["a", "b", &long]).unwrap_err();
    assert!(refused.message.starts_with("line 3 has 524288 bytes"), "{}", refused.message);
    assert!(batches(&[]).unwrap().is_empty());
}

#[test]
fn a_subject_that_is_nobody_here_is_noted() {
    let note = |kind: &str, id: &str| stranger(&json!({"subject_type": kind, "subject_id": id}));
    assert!(note("user", "anne@example.com").contains("no person anne@example.com here"));
    assert!(note("group", "Eng").contains("no group Eng") && note("apikey", "key_1").contains("no API key key_1"));
    for (kind, id) in [("user", "usr_06gvqf1fch64btf5t0nap0qtp8"), ("user", "*"), ("folder", "f1"), ("client", "abc")] {
        assert_eq!(note(kind, id), "", "{kind} {id}");
    }
    let told = noted(json!({"subject_type": "user", "subject_id": "anne@example.com"}));
    assert!(told["note"].as_str().unwrap().starts_with("there is no person anne@example.com here"), "{told}");
    assert_eq!(noted(json!({"subject_type": "user", "subject_id": "*"})).get("note"), None);
}

#[test]
fn a_long_document_of_tuples_is_sent_by_its_tuples() {
    let tuple = json!({"user": "user:anne", "relation": "viewer", "object": "doc:1"});
    for document in [json!({"tuples": vec![tuple.clone(); 600]}), json!(vec![tuple.clone(); 600])] {
        let text = serde_json::to_string_pretty(&document).unwrap();
        assert!(!fits(&text));
        assert_eq!(items(&text).unwrap().unwrap(), vec![tuple.to_string(); 600]);
    }
    assert_eq!(items(&format!("{tuple}\n{tuple}")).unwrap(), None);
    assert_eq!(items(&tuple.to_string()).unwrap(), None);
    for text in ["{\"tuples\":[],\"tuples\":[]}", "[9007199254740993]"] {
        assert_eq!(items(text).unwrap_err().code, "invalid_json", "{text}");
    }
}
