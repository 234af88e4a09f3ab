//! A client as it is declared in the configuration.

use super::mistakes::Source;
use crate::base::Secret;
use crate::base::id::ClientId;
use crate::records::{ClientFieldsChange, ClientType};

/// One declared client. `None` leaves the choice to the rules for clients of its type.
#[derive(Clone, Debug)]
pub struct ClientDeclaration {
    /// Where it was declared; mistakes found later name it.
    pub place: Source,
    /// Unique among the declared clients.
    pub client_id: ClientId,
    /// Shown to people; the id when none was given.
    pub name: String,
    /// What kind of app it is.
    pub client_type: ClientType,
    /// The secret, wherever it was read from; present exactly when the authentication method needs one.
    pub client_secret: Option<Secret<String>>,
    /// The rest, as typed. People are not asked for consent unless it says otherwise.
    pub fields: ClientFieldsChange,
}

/// What is wrong with a declared client by rules that stand above this floor, such as what a redirect URI may be: the
/// field's name here, and what is wrong with it, in sentences.
pub type ClientRules = fn(&ClientDeclaration) -> Vec<(&'static str, String)>;
