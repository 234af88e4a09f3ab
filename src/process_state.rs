//! The register of what rules keep between operations: [`ProcessState`]. What the web keeps for itself (attempts,
//! bodies) is in `http::state`.
//!
//! It is handed around by `cx`, below the modules whose types it names; it is the one file that may name types from
//! above. It does nothing with them.
//!
//! Each field says what several nodes over one store do about it: it *follows the log* (what it holds belongs to a
//! revision, and none of it is used for a snapshot of another one, wherever the commit between them was made), it *may
//! differ* from node to node, or the truth *lives in the store* and this is a buffer before it. What is read without a
//! snapshot (the ring of signing keys, the policies that are switched off, what a password costs) is kept elsewhere and
//! follows the log by [`Store::derive`](crate::store::Store::derive).

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::base::clock::Steps;
use crate::base::id::TenantId;
use crate::base::latest::LatestOf;
use crate::base::long_work::LongWork;
use crate::base::progress::Progress;
use crate::base::quota::Quota;
use crate::records::Client;
use crate::store::Decoded;
use crate::{access, apikeys, audit, identity, oauth, outbox};

/// What a process keeps between operations. Made once, empty; all of it may be lost with the process.
pub struct ProcessState {
    /// Rows of the audit log by cause, above which they are left out and counted. *May differ*: each node bounds what
    /// it writes.
    pub(crate) audit_rows: Quota,
    /// Accounts made by strangers in an hour, by network. *May differ*: with n nodes a network makes up to n times as
    /// many.
    pub(crate) sign_ups: Quota,
    /// Failed proofs by name and network, and who waits until when. *May differ*: with n nodes guessing is up to n
    /// times as fast.
    pub(crate) throttle: Arc<identity::throttle::Throttle>,
    /// What each person answered on our pages: authorization requests. *May differ*.
    pub(crate) answered_interactions: Quota,
    /// Tokens that clients used up or revoked in a minute, since a row is kept of each. *May differ*.
    pub(crate) spent_tokens: Quota,
    /// Failed authorization requests noted for each client in a minute. *May differ*.
    pub(crate) authorization_failures: Quota,
    /// One at a time in this process changes the signing keys. *Lives in the store* as a lease where there are several
    /// nodes.
    pub(crate) key_rotation: Mutex<()>,
    /// Tuples that each client wrote about its own objects in a minute. *May differ*.
    pub(crate) client_tuples: Quota,
    /// Policy evaluations recorded in a minute, by subject, caller and network. *May differ*.
    pub(crate) recorded_evaluations: Quota,
    /// Recorded evaluations that wait for their batch. *Lives in the store*; a crash loses one batch.
    pub(crate) evaluations: access::evaluations::Unwritten,
    /// Compiled models, by the last commit that touched one. *Follows the log*.
    pub(crate) models: LatestOf<TenantId, access::model::Models>,
    /// Clients that were read a moment ago. *Follows the log*: one is used only where its row is still the same.
    pub(crate) clients: Decoded<Client>,
    /// The revision, people and keys that checks read, by version of the store. *Follows the log*.
    pub(crate) subjects: LatestOf<TenantId, access::check::SubjectCache>,
    /// The index over all tuples. *Follows the log*.
    pub(crate) tuple_index: access::graph::Maintainers,
    /// API keys shown a moment ago with their owners, by version of the store. *Follows the log*.
    pub(crate) api_keys: apikeys::key_cache::KeyCache,
    /// Last uses of API keys until they are written down, and the windows of their rate limits. *Lives in the store*
    /// once a minute; the windows *may differ*.
    pub(crate) api_key_uses: apikeys::usage::UsageCounters,
    /// What the outbox can deliver. *May differ* while nodes of two versions run.
    pub(crate) delivery_kinds: outbox::Kinds,
    /// Wakes the background work after a commit that put something into the outbox. *May differ*: each node wakes its
    /// own.
    pub(crate) outbox_wake: Arc<outbox::Wake>,
    /// How each background job went last, and when it may be tried again. *May differ*; that one node does a job *lives
    /// in the store* as a lease.
    pub(crate) jobs: Progress,
    /// Steps of this machine's clock. *May differ*: every machine has a clock.
    pub(crate) clock_steps: Steps,
    /// The threads for long work. *May differ*.
    pub(crate) long_work: LongWork,
}

impl Default for ProcessState {
    fn default() -> Self {
        Self {
            audit_rows: audit::quota(),
            sign_ups: identity::sign_up::quota(),
            throttle: Arc::default(),
            answered_interactions: identity::interaction::quota(),
            spent_tokens: oauth::client_auth::quota(),
            authorization_failures: oauth::clients::failures::quota(),
            key_rotation: Mutex::default(),
            client_tuples: access::client_tuple_quota::quota(),
            recorded_evaluations: access::evaluations::quota(),
            evaluations: Default::default(),
            models: LatestOf::default(),
            clients: Decoded::default(),
            subjects: LatestOf::default(),
            tuple_index: Default::default(),
            api_keys: Default::default(),
            api_key_uses: Default::default(),
            delivery_kinds: Default::default(),
            outbox_wake: Arc::default(),
            jobs: Progress::default(),
            clock_steps: Steps::default(),
            long_work: LongWork::default(),
        }
    }
}
