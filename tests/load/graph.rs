//! Permissions to ask about: documents in folders, folders for groups, people in groups.
//!
//! With `n` tuples there are n·2/5 documents, each with an owner and a parent; n/10 folders, each for one group; n/100
//! groups of ten people. Who is in the group of a document's folder may view it: three tuples away, and owner and
//! editor are looked for on the way.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use auther::access::authority::GraphAuthorizer;
use auther::access::check::Question;
use auther::apikeys::NewKey;
use auther::base::clock::SystemClock;
use auther::base::entropy::OsEntropy;
use auther::base::id::{ApiKeyId, ClientId, TenantId, TypedId, UserId};
use auther::base::{Clock, Moment, Secret};
use auther::config::{self, Environment, Overrides};
use auther::crypto::keyring::Keyring;
use auther::crypto::password::{Hasher, Parameters};
use auther::crypto::seal::SealingKey;
use auther::crypto::token::MacKey;
use auther::cx::{Application, Cx};
use auther::records::{ApiKey, Model, SubjectRef, Tuple, TupleKey};
use auther::script::{Limits, Pool};
use auther::store::{self, Store, rows};
use auther::tenant::Tenant;
use serde_json::json;

use super::seed::APP;

/// The type of the objects that are asked about.
pub const DOCUMENT: &str = "client_app:document";

const FOLDER: &str = "client_app:folder";

/// Folders above one another on the way to the deepest document.
const DEEP: usize = 20;

/// People of a group.
const MEMBERS: usize = 10;

/// Tuples that share a transaction.
const BATCH: usize = 20_000;

const TENANT: TenantId = TenantId::DEFAULT;

/// What was written, and what may be asked.
#[derive(Clone)]
pub struct Graph {
    people: Vec<UserId>,
    documents: usize,
    folders: usize,
    groups: usize,
    /// The text of an API key that is bound to the client of the types. It may view the first document.
    pub key: String,
}

impl Graph {
    /// Draws a question: who, which document. Three of four are answered yes.
    pub fn drawn(&self, chance: &mut u64) -> (&UserId, String) {
        let document = draw(chance, self.documents);
        let folder = document % self.folders;
        let group = if draw(chance, 4) == 0 { folder + 1 } else { folder } % self.groups;
        (self.member(group, draw(chance, MEMBERS)), name(document))
    }

    /// Draws a person, and `count` documents of which they may view three of four.
    pub fn drawn_many(&self, chance: &mut u64, count: usize) -> (&UserId, Vec<String>) {
        let group = draw(chance, self.groups);
        let person = self.member(group, draw(chance, MEMBERS));
        let per_group = self.documents / self.groups;
        let documents = (0..count).map(|_| {
            let group = if draw(chance, 4) == 0 { group + 1 } else { group };
            name((group + self.groups * draw(chance, per_group)) % self.documents)
        });
        (person, documents.collect())
    }

    /// Somebody who may view the document below many folders, and that document.
    pub fn deep(&self) -> (&UserId, String) {
        (self.member(0, 0), String::from("deep"))
    }

    /// The name of the document that the API key itself may view.
    pub fn of_the_key(&self) -> String {
        name(0)
    }

    fn member(&self, group: usize, number: usize) -> &UserId {
        let place = (group * MEMBERS + number) % self.people.len().max(1);
        // There is at least one person, as `seed` makes sure.
        self.people.get(place).unwrap_or_else(|| unreachable!("nobody is there"))
    }
}

/// May this person do this with this document?
pub fn question(person: &UserId, permission: &str, document: &str) -> Question {
    Question::new(SubjectRef::new("user", person.as_str()), permission, DOCUMENT, document)
}

/// A linear congruence: the same in every run.
pub fn draw(chance: &mut u64, below: usize) -> usize {
    *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*chance >> 33).unwrap_or(0) % below.max(1)
}

fn name(document: usize) -> String {
    format!("doc_{document:07}")
}

/// Writes about `count` tuples among these people, the models, and an API key.
pub fn seed(store: &Store, people: Vec<UserId>, count: usize) -> Result<Graph> {
    let owner = people.first().cloned().context("a graph needs people")?;
    let now = SystemClock.now();
    let groups = (count / 100).max(1);
    let mut graph = Graph {
        documents: (count * 2 / 5).max(groups),
        folders: count.div_ceil(10),
        groups,
        people,
        key: String::new(),
    };
    let models = models(now)?;
    store.write_blocking(move |tx| models.iter().try_for_each(|model| rows::models::put(tx, TENANT, model)))?;
    let key = key(store, owner)?;
    let own = tuple(now, (DOCUMENT, &name(0), "viewer"), SubjectRef::new("apikey", key.1.as_str()));
    let tuples = graph.tuples(now).collect::<Vec<_>>();
    for (number, batch) in tuples.chunks(BATCH).enumerate() {
        let batch = batch.to_vec();
        store.write_blocking(move |tx| batch.iter().try_for_each(|tuple| rows::tuples::put(tx, TENANT, tuple)))?;
        if (number + 1).is_multiple_of(10) {
            eprintln!("    {} of {} tuples written", (number + 1) * BATCH, tuples.len());
        }
    }
    store.write_blocking::<_, store::Error, _>(move |tx| {
        rows::tuples::put(tx, TENANT, &own)?;
        rows::tuples::raise(tx, TENANT)
    })?;
    graph.key = key.0;
    Ok(graph)
}

impl Graph {
    fn tuples(&self, now: Moment) -> impl Iterator<Item = Tuple> {
        let person = |group: usize, number: usize| SubjectRef::new("user", self.member(group, number).as_str());
        let members = (0..self.groups).flat_map(move |group| {
            let id = format!("g{group}");
            (0..MEMBERS).map(move |number| tuple(now, ("group", &id, "member"), person(group, number)))
        });
        let folders = (0..self.folders).map(move |folder| {
            let group = SubjectRef::set("group", format!("g{}", folder % self.groups), "member");
            tuple(now, (FOLDER, &format!("folder_{folder}"), "viewer"), group)
        });
        let documents = (0..self.documents).flat_map(move |document| {
            let parent = SubjectRef::new(FOLDER, format!("folder_{}", document % self.folders));
            let owner = SubjectRef::new("user", format!("owner-{document}"));
            let id = name(document);
            [tuple(now, (DOCUMENT, &id, "parent"), parent), tuple(now, (DOCUMENT, &id, "owner"), owner)]
        });
        members.chain(folders).chain(documents).chain(self.chain(now))
    }

    /// A document below a folder below a folder, and at the end the first group.
    fn chain(&self, now: Moment) -> impl Iterator<Item = Tuple> {
        let up = |number: usize| SubjectRef::new(FOLDER, format!("deep_{number}"));
        let first = tuple(now, (DOCUMENT, "deep", "parent"), up(1));
        let next =
            (1..DEEP).map(move |number| tuple(now, (FOLDER, &format!("deep_{number}"), "parent"), up(number + 1)));
        let group = SubjectRef::set("group", "g0", "member");
        let last = tuple(now, (FOLDER, &format!("deep_{DEEP}"), "viewer"), group);
        std::iter::once(first).chain(next).chain([last])
    }
}

fn tuple(now: Moment, (kind, id, relation): (&str, &str, &str), subject: SubjectRef) -> Tuple {
    let (entity_type, entity_id, relation) = (kind.to_owned(), id.to_owned(), relation.to_owned());
    let key = TupleKey { entity_type, entity_id, relation, subject };
    Tuple { key, condition: None, expires_at: None, created_at: now, updated_at: now }
}

fn models(now: Moment) -> Result<[Model; 2]> {
    let viewer = json!({"anyOf": [
        {"direct": true}, {"relation": "editor"}, {"relation": "viewer", "from": "parent"},
    ]});
    let relations = json!({
        "owner": {}, "editor": {"anyOf": [{"direct": true}, {"relation": "owner"}]}, "viewer": viewer, "parent": {},
    });
    let permissions = json!({
        "view": {"relation": "viewer"},
        "pay": {"relation": "viewer", "policyEngine": "lua", "policy": "return context.resource.amount < 1000"},
    });
    let client = ClientId::parse(APP).map_err(|error| anyhow!("{error}"))?;
    Ok([DOCUMENT, FOLDER].map(|entity_type| {
        let parts = [("relations", relations.clone()), ("permissions", permissions.clone())];
        Model {
            entity_type: entity_type.to_owned(),
            client: Some(client.clone()),
            definition: parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }))
}

/// A key of this person that is bound to the client of the types.
fn key(store: &Store, owner: UserId) -> Result<(String, ApiKeyId)> {
    let cx = operation(store)?;
    let new = NewKey { name: String::from("load"), ..NewKey::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let made = runtime.block_on(auther::apikeys::create(&cx, &owner, new))?;
    // The client itself is declared in the configuration and there once the server has started.
    let client = Some(ClientId::parse(APP).map_err(|error| anyhow!("{error}"))?);
    let bound = ApiKey { client, ..made.key };
    let id = bound.id.clone();
    store.write_blocking(move |tx| rows::api_keys::put(tx, TENANT, &bound))?;
    Ok((made.secret.expose().clone(), id))
}

/// An operation in this process, over this store.
pub fn operation(store: &Store) -> Result<Cx> {
    let loaded = config::load(&Overrides::default(), &Environment::default(), Path::new("/nonexistent"));
    let loaded = loaded.map_err(|mistakes| anyhow!("the default settings: {mistakes}"))?;
    let (settings, keyring) = (Arc::new(loaded.settings), Arc::new(Keyring::new(Vec::new())?));
    Ok(Cx::for_system(Arc::new(Application {
        store: store.clone(),
        tenant: Arc::new(Tenant::default_one(Arc::clone(&settings), keyring)),
        settings,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        hasher: Arc::new(Hasher::start(Parameters::default(), 1, 1)?),
        sealing: SealingKey::new([7; 32]),
        mac: MacKey::new(&Secret::new([9; 32])),
        scripts: Arc::new(Pool::start(1, Limits::default()).map_err(|fault| anyhow!("{fault}"))?),
        authorizer: Arc::new(GraphAuthorizer),
        process: Arc::default(),
    })))
}
