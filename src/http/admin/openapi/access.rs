//! Models, tuples, questions and policies.

use serde_json::Value;

use super::super::operation::{Operation, delete, get, post, put};
use super::schema::{
    anything, both, by_name, choice, either, free, list, named, nullable, number, object, page, text, time, up_to,
    whole, yes_no,
};

const WRITES_MODELS: &str = "Needs update on models; for a type of a client manage on that client will do; for the platform's own types \
                             manage_platform on platform.";
const WRITES_TUPLES: &str = "Depends on the object: manage_platform on platform for what gives authority, manage_members on groups, \
                             manage_access on the client, else update on tuples.";

/// The operations.
pub fn operations() -> Vec<Operation> {
    let all = [models(), tuples(), policies()].into_iter().flatten();
    all.map(|operation| operation.under("access")).collect()
}

fn models() -> Vec<Operation> {
    let definition = || ("definition", free());
    let draft = || object([definition(), ("client?", nullable(text())), ("version?", whole())]);
    vec![
        get("models", "Models by name, and at the end the built-in ones")
            .needs("view on models")
            .pages_old(named("Model")),
        get("models/{type}", "A model, described in words")
            .depends("Needs view on models, or manage on the client of the type.")
            .gives_old(named("DescribedModel")),
        put("models/{type}", "Writes a model; 201 when it is new")
            .depends(WRITES_MODELS)
            .takes_old(draft())
            .gives_old(named("DescribedModel"))
            .makes_old(named("DescribedModel")),
        delete("models/{type}", "Deletes a model that no tuple uses")
            .depends(WRITES_MODELS)
            .filter_old("version", whole(), "Only if it is this one.")
            .gives_old(object([("entity_type", text()), ("deleted", yes_no())])),
        post("models/{type}/dry-run", "Who would gain and who would lose what by another model")
            .depends("Needs view on models and view on tuples.")
            .takes_old(draft())
            .gives_old(object([
                ("gained", list(named("Change"))),
                ("lost", list(named("Change"))),
                ("complete", yes_no()),
                ("looked_at", looked_at()),
                ("warnings", list(named("Mistake"))),
                ("refused", nullable(object([("code", text()), ("message", text())]))),
            ])),
        post("models/validate", "What is wrong with a model; nothing is written")
            .needs("view on models")
            .takes_old(object([definition(), ("entity_type?", nullable(text()))]))
            .gives_old(object([
                ("entity_type", text()),
                ("valid", yes_no()),
                ("description", named("Description")),
                ("warnings", list(named("Mistake"))),
            ])),
        post("models/import", "Writes models that OpenFGA wrote")
            .depends(WRITES_MODELS)
            .takes_old(object([("source", text()), ("prefix?", nullable(text()))]))
            .gives_old(object([
                ("items", list(named("Model"))),
                ("next", nullable(text())),
                ("warnings", list(named("Mistake"))),
            ])),
    ]
}

fn tuples() -> Vec<Operation> {
    let several = || object([("items", list(named("Tuple"))), ("next", nullable(text()))]);
    vec![
        get("tuples", "Who has which relation to which object")
            .needs("view on tuples")
            .filter_old("entity_type", text(), "Only on this type.")
            .filter_old("entity_id", text(), "Only on this object.")
            .filter_old("relation", text(), "Only this relation.")
            .filter_old("subject", text(), "Only of this subject, as TYPE:ID.")
            .filter_old("subject_type", text(), "Only of subjects of this type.")
            .filter_old("subject_id", text(), "Only of subjects with this id.")
            .filter_old(
                "names",
                choice(&["true", "false"]),
                "Whether a subject may be named; otherwise all is an identifier.",
            )
            .pages_old(named("Tuple"))
            .gives_old(both(page(named("Tuple")), &object([("resolved?", named("Name"))]))),
        post("tuples", "Writes a tuple, or up to 1000 of them, all or none")
            .depends(WRITES_TUPLES)
            .takes_old(either(named("NewTuple"), object([("tuples", up_to(1_000, named("NewTuple")))])))
            .makes_old(either(named("Tuple"), several())),
        get("tuples/{tuple}", "A tuple").needs("view on tuples").gives_old(named("Tuple")),
        delete("tuples/{tuple}", "Removes a tuple").depends(WRITES_TUPLES).gives_old(named("Tuple")),
        post("tuples/remove", "Removes a tuple, by its parts")
            .depends(WRITES_TUPLES)
            .takes_old(named("NewTuple"))
            .gives_old(named("Tuple")),
        post("tuples/import", "Writes tuples from lines of any notation, all or none")
            .depends(WRITES_TUPLES)
            .takes_old(object([
                ("lines", list(text())),
                ("first_line?", whole()),
                ("prefix?", text()),
                ("names?", yes_no()),
            ]))
            .gives_old(object([("written", whole()), ("expired", whole()), ("resolved", whole()), ("names", whole())])),
        post("tuples/dry-run", "Who would gain and who would lose what by other tuples")
            .needs("view on tuples")
            .takes_old(object([("add?", list(named("NewTuple"))), ("remove?", list(named("NewTuple")))]))
            .gives_old(object([
                ("gained", list(named("Change"))),
                ("lost", list(named("Change"))),
                ("complete", yes_no()),
                ("resolved", list(named("Name"))),
                ("looked_at", looked_at()),
            ])),
        post("check", "May somebody do something, and why")
            .needs("view on tuples")
            .takes_old(object([
                ("subject_type", text()),
                ("subject_id", text()),
                ("subject_relation?", nullable(text())),
                ("permission", text()),
                ("entity_type", text()),
                ("entity_id?", nullable(text())),
                ("resource?", nullable(free())),
                ("context?", nullable(free())),
                ("explain?", nullable(yes_no())),
                ("names?", yes_no()),
                ("would_do?", list(named("NewTuple"))),
            ]))
            .gives_old(object([
                ("allowed", yes_no()),
                ("reason", text()),
                ("source?", text()),
                ("revision", whole()),
                ("because", text()),
                ("subject_type", text()),
                ("subject_id", text()),
                ("resolved?", named("Name")),
                ("explanation?", free()),
                ("would_do?", list(yes_no())),
            ])),
    ]
}

/// How far a dry run went.
fn looked_at() -> Value {
    object([("subjects", whole()), ("objects", whole())])
}

fn policies() -> Vec<Operation> {
    let remarks = || list(object([("line", nullable(whole())), ("message", text())]));
    vec![
        post("policies/validate", "What is wrong with a script; it is not run")
            .needs("view on policies")
            .takes_old(object([("script", text())]))
            .gives_old(object([
                ("valid", yes_no()),
                ("errors", remarks()),
                ("warnings", remarks()),
                ("suggestions", remarks()),
                ("switched_off", nullable(named("SwitchedOff"))),
            ])),
        post("policies/test", "Runs a script as a check would, and records nothing")
            .needs("view on policies")
            .takes_old(object([("script", text()), ("context?", free())]))
            .gives_old(object([
                ("result", result()),
                ("returned", nullable(text_or_yes_no())),
                ("note", nullable(text())),
                ("execution_time_ms", number()),
                ("error", nullable(object([("code", text()), ("line", nullable(whole())), ("message", text())]))),
            ])),
        get("policies/evaluations", "What policies got and answered, newest first")
            .needs("view on policies")
            .filter_old("since", time(), "From this moment on.")
            .filter_old("entity_type", text(), "Only on this type.")
            .filter_old("entity_id", text(), "Only on this object.")
            .filter_old("permission", text(), "Only of this permission.")
            .filter_old("subject", text(), "Only about this subject.")
            .filter_old("result", result(), "Only with this result.")
            .filter_old("order", choice(&["asc", "desc"]), "Oldest or newest first.")
            .pages_old(named("Evaluation")),
        get("policies/versions", "What the policies of a type were, the newest first for each")
            .needs("view on policies")
            .names::<String>("entity_type", "Of which type.")
            .filter_old("permission", text(), "Only of this permission.")
            .filter_old("tuple", text(), "Only of this tuple's condition.")
            .pages_old(named("PolicyVersion")),
        get("policies/switched-off", "Policies that did not come back and are not run any more, oldest first")
            .needs("view on policies")
            .gives_old(object([("items", list(named("SwitchedOff")))])),
        delete("policies/switched-off/{script}", "Lets the policy run again whose text has this digest")
            .needs("update on policies")
            .gives_old(named("SwitchedOff")),
    ]
}

fn result() -> Value {
    choice(&["allowed", "denied", "error"])
}

fn text_or_yes_no() -> Value {
    either(text(), yes_no())
}

/// The shapes.
pub fn schemas() -> Vec<(String, Value)> {
    let all = [
        ("Model", model()),
        ("DescribedModel", described_model()),
        ("Description", description()),
        ("Mistake", object([("at", text()), ("problem", text())])),
        ("NewTuple", new_tuple()),
        ("Change", change()),
        ("Evaluation", evaluation()),
        ("PolicyVersion", policy_whole()),
        ("SwitchedOff", object([("script", text()), ("about", text()), ("owner", text()), ("at", time())])),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn model() -> Value {
    object([
        ("entity_type", text()),
        ("client", nullable(text())),
        ("built_in", yes_no()),
        ("definition", free()),
        ("version", whole()),
        ("created_at?", time()),
        ("updated_at?", time()),
    ])
}

fn described_model() -> Value {
    let more = object([("description", named("Description")), ("warnings", list(named("Mistake")))]);
    both(model(), &more)
}

fn description() -> Value {
    object([
        ("entity_type", text()),
        ("hierarchy", list(text())),
        (
            "relations",
            list(object([
                ("name", text()),
                ("held_by", text()),
                ("takes_tuples", yes_no()),
                ("subjects", nullable(list(text()))),
            ])),
        ),
        (
            "permissions",
            list(object([
                ("name", text()),
                ("relation", text()),
                ("policy", yes_no()),
                ("description", nullable(text())),
            ])),
        ),
        ("matrix", by_name(by_name(choice(&["no", "part", "unless", "yes"])))),
    ])
}

/// A tuple may be written as it was read.
fn new_tuple() -> Value {
    object([
        ("id?", text()),
        ("entity_type", text()),
        ("entity_id", text()),
        ("relation", text()),
        ("subject_type", text()),
        ("subject_id", text()),
        ("subject_relation?", nullable(text())),
        ("condition?", nullable(text())),
        ("expires_at?", nullable(time())),
        ("names?", yes_no()),
        ("created_at?", time()),
        ("updated_at?", time()),
        ("resolved?", named("Name")),
    ])
}

fn change() -> Value {
    object([
        ("subject_type", text()),
        ("subject_id", text()),
        ("subject_relation?", nullable(text())),
        ("permission", text()),
        ("entity_type", text()),
        ("entity_id", text()),
    ])
}

fn evaluation() -> Value {
    object([
        ("id", text()),
        ("at", time()),
        ("entity_type", text()),
        ("entity_id", text()),
        ("permission", nullable(text())),
        ("subject_type", text()),
        ("subject_id", text()),
        ("policy_source", choice(&["permission", "tuple"])),
        ("policy_name", text()),
        ("policy_script", nullable(text())),
        ("result", result()),
        ("error", nullable(text())),
        ("message", nullable(text())),
        ("context", anything()),
        ("execution_time_ms", number()),
        ("request", nullable(text())),
        ("ip", nullable(text())),
        ("user_agent", nullable(text())),
        ("left_out", whole()),
    ])
}

fn policy_whole() -> Value {
    object([
        ("entity_type", text()),
        ("policy_level", choice(&["permission", "tuple"])),
        ("policy_name", text()),
        ("script", nullable(text())),
        ("version", whole()),
        ("changed_by_type", text()),
        ("changed_by", nullable(text())),
        ("reason", nullable(text())),
        ("at", time()),
    ])
}
