//! Commands about policies.

use super::*;

#[test]
fn a_policy_is_validated_tried_and_looked_up() {
    let quiet = crate::cli::output::Output { json: true };
    either_way(|remote, folder| {
        let file = |name: &str, script: &str| {
            let path = folder.join(name);
            std::fs::write(&path, script).unwrap();
            path.display().to_string()
        };
        let (sound, broken) = (file("sound.lua", "return context.amount < 10"), file("broken.lua", "return ("));
        let run = |words: &[&str]| {
            OfPolicies::try_parse_from(["policy"].iter().chain(words)).unwrap().command.run(remote, quiet)
        };
        run(&["validate", "--file", &sound]).unwrap();
        assert_eq!(run(&["validate", "--file", &broken]).unwrap_err().code, "invalid_policy");
        run(&["test", "--file", &sound, "--context", "{\"amount\":5}"]).unwrap();
        run(&["evaluations", "--result", "denied", "--since", "2026-01-31T00:00:00Z"]).unwrap();
        run(&["versions", "shop:invoice", "--permission", "read", "--limit", "5"]).unwrap();
        run(&["switched-off"]).unwrap();
        let digest = crate::base::ScriptDigest::of("return true").to_string();
        assert_eq!(run(&["switch-on", &digest]).unwrap_err().code, "not_found");
        assert!(OfPolicies::try_parse_from(["policy", "switch-on", &format!("-{}", &digest[1..])]).is_ok());
        assert_eq!(run(&["test", "--file", "nowhere.lua"]).unwrap_err().code, "unreadable");
        assert!(OfPolicies::try_parse_from(["policy", "test", "--file", &sound, "--context", "5"]).is_err());
    });
}

#[test]
fn a_policy_that_a_check_ran_is_on_record_with_a_server_and_without_one() {
    either_way(|remote, _| {
        let user = remote.call(new_user("ann@example.com", json!({}))).unwrap();
        let model = json!({
            "relations": {"viewer": {"subjects": ["user"]}},
            "permissions": {"read": {"relation": "viewer", "policyEngine": "lua", "policy": "return true"}},
        });
        remote.call(Call::put(["models", "paper"]).body(&json!({"definition": model}))).unwrap();
        let tuple = json!({
            "entity_type": "paper", "entity_id": "p1", "relation": "viewer", "subject_type": "user",
            "subject_id": user["id"],
        });
        remote.call(Call::post(["tuples"]).body(&tuple)).unwrap();
        let question = json!({
            "subject_type": "user", "subject_id": user["id"], "permission": "read", "entity_type": "paper",
            "entity_id": "p1",
        });
        assert_eq!(remote.call(Call::post(["check"]).body(&question)).unwrap()["allowed"], true);
        let record = remote.call(Call::get(["policies", "evaluations"])).unwrap();
        assert_eq!(record["items"].as_array().unwrap().len(), 1, "{record}");
    });
}
