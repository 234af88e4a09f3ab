//! From a data file, new or old, to an installation that can work: its secrets, its declared clients, its first keys.

use std::sync::Arc;

use super::{Error, secrets};
use crate::access::authority::GraphAuthorizer;
use crate::access::switched_off;
use crate::base::{Clock, Entropy};
use crate::config::Settings;
use crate::crypto::keyring::Keyring;
use crate::crypto::password::{Hasher, Parameters};
use crate::cx::{Application, Cx};
use crate::identity::users;
use crate::oauth;
use crate::records::Algorithm;
use crate::script::{Limits, Pool};
use crate::store::Store;
use crate::tenant::Tenant;

/// Keys that are made in no time. RSA takes up to half a second and is made while the server already answers.
pub const FAST: [Algorithm; 2] = [Algorithm::ES256, Algorithm::EdDSA];

/// Threads that run policies. A script may hold one for a second, so one is not enough even on one core; and no owner
/// of policies has all.
const SCRIPT_THREADS: usize = 3;

/// An open data file with everything that a rule is handed.
pub async fn install(
    store: Store,
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Application>, Error> {
    let (sealing, mac) = secrets::open(&store, settings.master_key.as_ref(), &*entropy).await?;
    let hasher = Arc::new(hasher(&settings)?);
    let keyring = Keyring::new(Vec::new()).map_err(|error| Error::Keys(oauth::Error::internal(error)))?;
    let settings = Arc::new(settings);
    let tenant = Arc::new(Tenant::default_one(Arc::clone(&settings), Arc::new(keyring)));
    let scripts = Arc::new(Pool::start(SCRIPT_THREADS, Limits::default()).map_err(Error::Scripts)?);
    let process = Arc::default();
    let authorizer = Arc::new(GraphAuthorizer);
    let parts =
        Application { store, tenant, settings, clock, entropy, hasher, sealing, mac, scripts, authorizer, process };
    let app = Arc::new(parts);
    let cx = Cx::for_system(app.clone());
    follow_the_log(&cx)?;
    users::remember_cost(&cx).await.map_err(Error::People)?;
    Ok(app)
}

/// Reads what this process keeps in memory and uses without a snapshot, and keeps it as the commits make it, those of
/// other processes too. What is used with a snapshot belongs to its revision instead (see `process_state`).
pub(crate) fn follow_the_log(cx: &Cx) -> Result<(), Error> {
    oauth::keys::follow(cx).map_err(Error::Keys)?;
    switched_off::follow(cx)?;
    Ok(())
}

fn hasher(settings: &Settings) -> Result<Hasher, Error> {
    let cost = &settings.password;
    let parameters =
        Parameters { memory_kib: cost.memory_kib, iterations: cost.iterations, parallelism: cost.parallelism };
    let threads = if cost.threads == 0 { cores() } else { cost.threads };
    Ok(Hasher::start(parameters, threads, cost.queue)?)
}

/// How many threads can work at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::catalogue::{self, Draft};
    use crate::access::model::Models;
    use crate::base::ScriptDigest;
    use crate::base::id::TenantId;
    use crate::records::SwitchedOff;
    use crate::script::{Fault, Task, Vm};
    use crate::store::rows::{marks, switched_off as off};
    use crate::store::{self, Tx};
    use crate::testing::{TestApp, block_on};

    const SCRIPT: &str = "return 1 == 1";

    fn kids(cx: &Cx) -> Vec<String> {
        let mut kids: Vec<String> = cx.tenant.keyring.published().into_iter().map(|key| key.kid).collect();
        kids.sort();
        kids
    }

    fn is_off(app: &TestApp) -> bool {
        let (now, task) = (
            app.cx().now,
            Task { tenant: TenantId::DEFAULT, owner: String::from("wiki"), about: String::from("wiki:doc read") },
        );
        let work = move |vm: &mut Vm| vm.evaluate(SCRIPT, &json!({}), now).returned;
        block_on(app.parts.scripts.run(task, work)).unwrap() == Err(Fault::SwitchedOff)
    }

    #[test]
    fn keys_that_another_process_makes_and_retires_are_known_here_at_once() {
        let [here, there] = TestApp::two();
        block_on(oauth::keys::tick(&there.cx(), &[Algorithm::ES256])).unwrap();
        assert_eq!((kids(&here.cx()).len(), kids(&here.cx())), (2, kids(&there.cx())));
        let signer = |app: &TestApp| app.cx().tenant.keyring.signer(Algorithm::ES256).unwrap();
        let kid = signer(&here).kid().to_owned();
        assert_eq!(kid, signer(&there).kid());
        block_on(oauth::keys::retire(&there.cx(), &kid)).unwrap().unwrap();
        assert!(here.cx().tenant.keyring.verifier(&kid).is_none(), "a token of it works no more");
        assert_eq!((kids(&here.cx()), signer(&here).kid()), (kids(&there.cx()), signer(&there).kid()));
        assert_eq!(here.parts.store.commits(), 0, "nothing was done here");
    }

    #[test]
    fn a_model_that_another_process_changes_is_compiled_anew_here_and_one_that_nobody_changed_is_not() {
        let [here, there] = TestApp::two();
        let put = |permission: &str| {
            let definition = json!({"relations": {"owner": {}}, "permissions": {permission: {"relation": "owner"}}});
            let definition = definition.as_object().cloned().unwrap();
            let (entity_type, client) = (String::from("doc"), None);
            let draft = Draft { entity_type, definition, client, expected_version: None };
            block_on(catalogue::put(&there.cx(), &draft)).unwrap();
        };
        let found = |name: &str| {
            let (cx, from) = (here.cx(), here.cx().read().unwrap());
            let model = Models::current(&cx, &from).unwrap().find(&from, "doc").unwrap();
            model.is_some_and(|model| model.permissions.contains_key(name))
        };
        let current = || Models::current(&here.cx(), &here.cx().read().unwrap()).unwrap();
        assert!(!found("read"));
        put("read");
        assert!(found("read"));
        let (models, other) = (current(), |tx: &mut Tx| marks::put_value(tx, marks::LAST_BACKUP, "now"));
        there.parts.store.write_blocking(other).unwrap();
        assert!(Arc::ptr_eq(&models, &current()), "what is no model leaves them as they are");
        put("write");
        assert!(found("write") && !found("read"));
    }

    #[test]
    fn a_policy_that_another_process_switches_off_or_on_is_so_here() {
        let [here, there] = TestApp::two();
        let tenant = here.cx().tenant.id;
        let row = SwitchedOff {
            script: ScriptDigest::of(SCRIPT),
            owner: String::from("wiki"),
            about: String::from("wiki:doc read"),
            at: here.cx().now,
        };
        assert!(!is_off(&here));
        there.parts.store.write_blocking(move |tx| off::put(tx, tenant, &row)).unwrap();
        assert!(is_off(&here) && is_off(&there));
        block_on(switched_off::switch_on(&there.cx(), ScriptDigest::of(SCRIPT))).unwrap();
        assert!(!is_off(&here) && !is_off(&there));
    }

    #[test]
    fn what_a_dear_password_hash_of_another_process_costs_is_what_a_check_costs_here() {
        let [here, there] = TestApp::two();
        block_on(users::remember_cost(&here.cx())).unwrap();
        let check = || {
            let before = here.parts.hasher.work_done();
            block_on(here.parts.hasher.verify(&"some password".into(), None)).unwrap();
            here.parts.hasher.work_done() - before
        };
        assert_eq!(check(), 32);
        let note = |tx: &mut Tx| marks::put_value(tx, marks::PASSWORD_WORK, "96");
        there.parts.store.write_blocking::<_, store::Error, _>(note).unwrap();
        assert_eq!(check(), 96);
    }
}
