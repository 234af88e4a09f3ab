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
fn what_the_answer_notes_stands_behind_it() {
    assert_eq!(stranger(&json!({"note": "there is no person x here."})), "\nNote: there is no person x here.");
    assert_eq!(stranger(&json!({"subject_id": "x"})), "");
    assert_eq!(strangers(&json!({"notes": ["a.", "b."]})), "\nNote: a.\nNote: b.");
}

#[test]
fn a_list_shows_the_condition_of_each_tuple_in_one_line() {
    let tuple = |condition: Value| {
        json!({"entity_type": "doc", "entity_id": "1", "relation": "viewer", "subject_type": "user",
               "subject_id": "u", "condition": condition, "id": "tpl_1"})
    };
    let long = format!("-- office hours\nreturn {}", "x".repeat(200));
    let shown = tuples(&json!({"items": [tuple(json!("return true")), tuple(json!(long)), tuple(Value::Null)]}));
    assert_eq!(shown.lines().count(), 4, "{shown}");
    assert!(
        shown.contains("CONDITION") && shown.contains("return true") && shown.contains("-- office hours …"),
        "{shown}"
    );
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
