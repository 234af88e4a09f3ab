//! The files of `tests/scenarios`: models, tuples and what is then asked, each construct and their combinations,
//! through the web.
//!
//! A file has `models` (type to definition), `tuples` (in any notation that is imported) and `steps`, which are done
//! one after another:
//!
//! * `ask`: `SUBJECT NAME OBJECT`, perhaps with attributes of the `resource`. `answer` is the reason: `granted` allows;
//!   `limit_reached` is an error.
//! * `objects`: `SUBJECT NAME TYPE`; `are` says which, `everything` whether it may be done with all there will ever be,
//!   `perhaps_everything` whether each must be asked about, `gated` which of them a script decides. `subjects`: `TYPE
//!   NAME OBJECT`.
//! * `write`, `remove` a tuple; `refuse`: writing it is refused in words that hold `says`; `advance` the clock by
//!   seconds.
//!
//! Each answer of `ask` is held against the lists as well: what is allowed stands in them, and what no tuple gives does
//! not. What is granted is explained.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::graph::{Graph, bad, good, objects_in, place, refused, subjects_in};
use crate::harness::Home;

/// Servers at a time.
const AT_ONCE: usize = 4;

struct Scenario {
    name: String,
    home: Home,
    graph: Graph,
}

fn words(text: &Value) -> [&str; 3] {
    let words: Vec<&str> = text.as_str().unwrap().split(' ').collect();
    words.try_into().unwrap_or_else(|_| panic!("not three words: {text}"))
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// A tuple as a line of an import.
fn line(tuple: &Value) -> String {
    tuple.as_str().map_or_else(|| tuple.to_string(), str::to_owned)
}

impl Scenario {
    async fn new(name: &str, file: &Value) -> Self {
        let home = Home::new().await;
        let graph = Graph::of(&home).await;
        for (entity_type, definition) in file["models"].as_object().unwrap() {
            graph.model(entity_type, definition).await;
        }
        let lines: Vec<String> = file["tuples"].as_array().unwrap().iter().map(line).collect();
        let answer = graph.lines(&lines).await;
        assert!(answer.status.is_success(), "{name}: {}", answer.text);
        Self { name: name.to_owned(), home, graph }
    }

    async fn step(&self, step: &Value) {
        let kind = step
            .as_object()
            .unwrap()
            .keys()
            .find(|kind| !["answer", "resource", "says", "are", "everything", "gated"].contains(&kind.as_str()));
        match kind.map(String::as_str) {
            Some("ask") => self.ask(step).await,
            Some("objects") => self.objects(step).await,
            Some("subjects") => self.subjects(step).await,
            Some("write") => drop(good(&self.graph.lines(&[line(&step["write"])]).await)),
            Some("remove") => self.remove(step["remove"].as_str().unwrap()).await,
            Some("refuse") => {
                // What has expired is left out of an import, and refused where it is written by itself.
                let answer = match &step["refuse"] {
                    tuple @ Value::Object(_) => self.graph.post("/api/admin/tuples", tuple.clone()).await,
                    text => self.graph.lines(&[line(text)]).await,
                };
                bad(&answer);
                assert!(answer.text.contains(step["says"].as_str().unwrap()), "{}: {step}: {}", self.name, answer.text);
            }
            Some("advance") => self.home.advance(Duration::from_secs(step["advance"].as_u64().unwrap())).await,
            other => panic!("{}: no such step: {other:?}", self.name),
        }
    }

    async fn ask(&self, step: &Value) {
        let [who, name, object] = words(&step["ask"]);
        let mut more = json!({"explain": true});
        if let Some(attributes) = step.get("resource") {
            more["resource"] = json!({ "attributes": attributes });
        }
        let answer = self.graph.ask(who, name, object, &more).await;
        let told = format!("{}: {step}: {}", self.name, answer.text);
        let wanted = step["answer"].as_str().unwrap();
        if wanted == "limit_reached" {
            assert_eq!(refused(&answer), (422, String::from("limit_reached")), "{told}");
            return;
        }
        let body = good(&answer);
        let reason = body["reason"].as_str().unwrap();
        assert_eq!(reason, wanted, "{told}");
        assert_eq!(body["allowed"], wanted == "granted", "{told}");
        assert_eq!(body["explanation"]["derivation"]["holds"] == "yes", wanted == "granted", "{told}");
        if ["granted", "no_tuple"].contains(&reason) {
            self.agrees(step, reason == "granted").await;
        }
    }

    /// What is granted stands in both lists; what no tuple gives stands in neither, unless a script may take it away.
    async fn agrees(&self, step: &Value, is_granted: bool) {
        let [who, name, object] = words(&step["ask"]);
        let (kind, id) = place(object);
        let answer = self.graph.objects(who, name, kind).await;
        if answer.status.is_success() && id != "*" {
            let body = answer.json();
            let item = body["items"].as_array().unwrap().iter().find(|item| item["entityId"] == id);
            let fits = match item {
                Some(item) => is_granted || item["abac_required"] == true,
                None => unlisted(&body, is_granted),
            };
            assert!(fits, "{}: {step}: {body}", self.name);
        }
        if who.contains('#') || who.starts_with("group:") {
            return;
        }
        let answer = self.graph.subjects(place(who).0, name, object).await;
        if answer.status.is_success() {
            let body = answer.json();
            let item = body["items"].as_array().unwrap().iter().find(|item| item["subjectId"] == place(who).1);
            let fits = match item {
                Some(item) => is_granted || item["abacRequired"] == true,
                None => unlisted(&body, is_granted),
            };
            assert!(fits, "{}: {step}: {body}", self.name);
        }
    }

    async fn objects(&self, step: &Value) {
        let [who, name, kind] = words(&step["objects"]);
        let body = good(&self.graph.objects(who, name, kind).await);
        assert_eq!(objects_in(&body), names(&step["are"]), "{}: {step}", self.name);
        if let Some(everything) = step.get("everything") {
            assert_eq!(&body["wildcardGrant"], everything, "{}: {step}", self.name);
        }
        if let Some(perhaps) = step.get("perhaps_everything") {
            assert_eq!(&body["wildcardAbacRequired"], perhaps, "{}: {step}", self.name);
        }
        if let Some(gated) = step.get("gated") {
            let mut body = body.clone();
            body["items"].as_array_mut().unwrap().retain(|item| item["abac_required"] == true);
            assert_eq!(objects_in(&body), names(gated), "{}: {step}", self.name);
        }
    }

    async fn subjects(&self, step: &Value) {
        let [wanted, name, object] = words(&step["subjects"]);
        let body = good(&self.graph.subjects(wanted, name, object).await);
        assert_eq!(subjects_in(&body), names(&step["are"]), "{}: {step}", self.name);
    }

    /// Removes `type:id#relation@type:id`, a set too.
    async fn remove(&self, tuple: &str) {
        let (object, who) = tuple.split_once('@').unwrap();
        let (object, relation) = object.rsplit_once('#').unwrap();
        let ((entity_type, entity_id), (kind, id)) = (place(object), place(who));
        self.graph.remove([entity_type, entity_id, relation, kind, id]).await;
    }
}

async fn play(path: &Path) -> usize {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let scenario = Scenario::new(name, &file).await;
    let steps = file["steps"].as_array().unwrap();
    for step in steps {
        scenario.step(step).await;
    }
    steps.len()
}

#[tokio::test]
async fn every_scenario_is_answered_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let played = futures_util::stream::iter(files.iter().map(|path| play(path)));
    let steps: Vec<usize> = played.buffer_unordered(AT_ONCE).collect().await;
    assert!(files.len() >= 13 && steps.iter().sum::<usize>() >= 200, "{} files, {steps:?}", files.len());
}

/// Whether what is not listed fits an answer: everything and everyone is meant by a wildcard, also what nobody has
/// heard of, and perhaps by one that must be asked about.
fn unlisted(body: &Value, is_granted: bool) -> bool {
    match (&body["wildcardGrant"], &body["wildcardAbacRequired"]) {
        (Value::Bool(true), _) => is_granted,
        (_, perhaps) => !is_granted || *perhaps == true,
    }
}
