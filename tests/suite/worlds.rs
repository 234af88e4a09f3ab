//! The worlds of OpenFGA's own suite (`tests/data/openfga`, with its licence) through the web: model, tuples, then
//! every question.
//!
//! What means something else here, and is asserted as it is meant here:
//!
//! * A type that no model declares (`2000`, `2021`): a subject of an unknown type is nobody, so it is denied and the
//!   lists are empty. Types of subjects need no model here.
//! * A tuple that the model does not take (`2027`), contextual or not: refused as `invalid_fields`, whatever is asked.
//! * Lists look at what is stored. What a world has in context for a list is written before and removed after.
//! * A bare group stands for its members: `group:x` in a list is `group:x#member`, and `group:*` names no group and is
//!   refused.
//! * A model that no longer takes stored tuples is refused as `in_use` instead of forgetting them. The world goes on as
//!   after their removal.
//! * The platform's administrators may do everything: they stand in the lists of subjects besides those that a world
//!   expects.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::graph::{Graph, bad, good, objects_in, place, refused, subjects_in};
use crate::harness::Home;

const WORLDS: &str = include_str!("../data/openfga/check_and_list.yaml");

/// Servers at a time.
const AT_ONCE: usize = 4;

/// A stage's server and what was stored there.
struct World {
    name: String,
    home: Home,
    graph: Graph,
    stored: Vec<Value>,
}

fn list<'v>(of: &'v Value, name: &str) -> &'v [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(of: &'v Value, name: &str) -> &'v str {
    of[name].as_str().unwrap_or_else(|| panic!("no {name}: {of}"))
}

/// What is expected of a list, as it is written here.
fn expected(assertion: &Value) -> BTreeSet<String> {
    let names = list(assertion, "expectation").iter().map(|name| name.as_str().unwrap());
    names
        .map(|name| name.strip_prefix("group:").map_or(name, |_| name.trim_end_matches("#member")).to_owned())
        .collect()
}

/// Whether a tuple gives something to all groups at once.
fn names_no_group(tuple: &Value) -> bool {
    text(tuple, "user") == "group:*"
}

impl World {
    async fn new(name: &str) -> Self {
        let home = Home::new().await;
        let graph = Graph::of(&home).await;
        Self { name: name.to_owned(), home, graph, stored: Vec::new() }
    }

    /// Takes up the model of a stage. Says whether stored tuples stood in its way.
    async fn model(&mut self, source: &str) -> bool {
        let answer = self.graph.import(source).await;
        if answer.status.is_success() {
            return false;
        }
        assert_eq!(refused(&answer), (409, String::from("in_use")), "{}: {}", self.name, answer.text);
        let before = std::mem::take(&mut self.stored);
        self.home = Home::new().await;
        self.graph = Graph::of(&self.home).await;
        good(&self.graph.import(source).await);
        for tuple in before {
            let answer = self.graph.lines(&[tuple.to_string()]).await;
            if answer.status.is_success() {
                self.stored.push(tuple);
            } else {
                bad(&answer);
            }
        }
        true
    }

    async fn write(&mut self, tuples: &[Value]) {
        let (refused, taken): (Vec<_>, Vec<_>) = tuples.iter().cloned().partition(names_no_group);
        for tuple in refused {
            bad(&self.graph.lines(&[tuple.to_string()]).await);
        }
        if !taken.is_empty() {
            let lines: Vec<String> = taken.iter().map(Value::to_string).collect();
            assert_eq!(good(&self.graph.lines(&lines).await)["written"], lines.len());
            self.stored.extend(taken);
        }
    }

    async fn checks(&self, assertions: &[Value]) {
        for assertion in assertions {
            let tuple = &assertion["tuple"];
            let (who, name, object) = (text(tuple, "user"), text(tuple, "relation"), text(tuple, "object"));
            let context: Vec<Value> = list(assertion, "contextualTuples").iter().map(contextual).collect();
            let told = json!({ "contextualTuples": context });
            let answer = self.graph.ask(who, name, object, &told).await;
            let place = format!("{}: may {who} {name} {object}? {}", self.name, answer.text);
            if assertion["errorCode"] == 2027 {
                bad(&answer);
                continue;
            }
            let body = good(&answer);
            let wanted = assertion.get("expectation").and_then(Value::as_bool).unwrap_or_default();
            let reason = if wanted { "granted" } else { "no_tuple" };
            assert_eq!((&body["allowed"], &body["reason"]), (&json!(wanted), &json!(reason)), "{place}");
        }
    }

    async fn lists(&self, assertions: &[Value], is_about_objects: bool) {
        for assertion in assertions {
            let context = list(assertion, "contextualTuples");
            let lines: Vec<String> = context.iter().map(Value::to_string).collect();
            let answer = self.graph.lines(&lines).await;
            if assertion["errorCode"] == 2027 {
                bad(&answer);
                continue;
            }
            good(&answer);
            let request = &assertion["request"];
            let found = if is_about_objects {
                let (who, name, kind) = (text(request, "user"), text(request, "relation"), text(request, "type"));
                objects_in(&good(&self.graph.objects(who, name, kind).await))
            } else {
                let (name, object) = (text(request, "relation"), text(request, "object"));
                let [wanted] = list(request, "filters") else { panic!("one filter: {request}") };
                subjects_in(&good(&self.graph.subjects(wanted.as_str().unwrap(), name, object).await))
            };
            assert_eq!(found, expected(assertion), "{}: {request}", self.name);
            let only_here: BTreeSet<String> =
                context.iter().filter(|tuple| !self.stored.contains(tuple)).map(Value::to_string).collect();
            for tuple in only_here {
                let tuple = contextual(&serde_json::from_str(&tuple).unwrap());
                let part = |name: &str| text(&tuple, name).to_owned();
                let parts = ["entityType", "entityId", "relation", "subjectType", "subjectId"].map(part);
                self.graph.remove(parts.each_ref().map(String::as_str)).await;
            }
        }
    }
}

/// A tuple in the words of `check-permission`.
fn contextual(tuple: &Value) -> Value {
    let (who, set) = text(tuple, "user").split_once('#').map_or((text(tuple, "user"), None), |(a, b)| (a, Some(b)));
    let ((kind, id), (entity_type, entity_id)) = (place(who), place(text(tuple, "object")));
    json!({"entityType": entity_type, "entityId": entity_id, "relation": tuple["relation"],
        "subjectType": kind, "subjectId": id, "subjectRelation": set})
}

/// Plays a world; how many questions it asked, and how often stored tuples stood in the way of a model.
async fn play(world: &Value) -> (usize, usize) {
    let mut played = World::new(text(world, "name")).await;
    let (mut asked, mut hindered) = (0, 0);
    for stage in list(world, "stages") {
        hindered += usize::from(played.model(text(stage, "model")).await);
        played.write(list(stage, "tuples")).await;
        let [checks, objects, subjects] =
            ["checkAssertions", "listObjectsAssertions", "listUsersAssertions"].map(|name| list(stage, name));
        played.checks(checks).await;
        played.lists(objects, true).await;
        played.lists(subjects, false).await;
        asked += checks.len() + objects.len() + subjects.len();
    }
    (asked, hindered)
}

#[tokio::test]
async fn every_question_of_every_world_has_its_answer() {
    let suite: Value = serde_saphyr::from_str(WORLDS).unwrap();
    let worlds = list(&suite, "tests");
    let played: Vec<_> = futures_util::stream::iter(worlds.iter().map(play)).buffer_unordered(AT_ONCE).collect().await;
    let (asked, hindered) = played.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(played.len(), 33);
    assert!(asked > 200 && hindered > 0, "{asked} questions, {hindered} models in the way of tuples");
}
