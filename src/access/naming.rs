//! Names that people type, turned into identifiers: once, at the moment they are typed, and by this file alone.
//!
//! Tuples and questions hold identifiers. A name says who somebody is at this moment, and somebody else tomorrow: it is
//! looked up only where a person wrote it ([`Naming::Names`]), and the answer says for what it was taken. What a
//! program sends or a file holds stands as it is: an identifier of Auther, or one of another system, which no account
//! and no group made here later comes to have.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::USER;
use super::model::Models;
use super::model::names::quoted;
use super::{Error, groups};
use crate::base::id::{GroupId, UserId};
use crate::cx::Cx;
use crate::identity::users;
use crate::records::tuple::{ANY, GROUP, SUBJECT_TYPES};
use crate::records::{SubjectRef, TupleKey, User};
use crate::store::Read;

/// How the text that says who somebody is is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// As an identifier, whatever has it as its name.
    #[default]
    Identifiers,
    /// A person typed it, to write or remove a tuple: as the name of a person or a group, if one has it. A person's
    /// name counts only when their e-mail address is known to be theirs: anybody can sign up with a name.
    Names,
    /// A person typed it, to ask: as [`Self::Names`], of anybody who is here. A question gives nobody anything.
    Asking,
}

impl Naming {
    /// [`Self::Names`], or identifiers when that was said.
    pub fn written(names: bool) -> Self {
        if names { Self::Names } else { Self::Identifiers }
    }

    /// [`Self::Asking`], or identifiers when that was said.
    pub fn asked(names: bool) -> Self {
        if names { Self::Asking } else { Self::Identifiers }
    }
}

/// What kind of name a text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// A person's e-mail address.
    Email,
    /// A person's username.
    Username,
    /// The name of a group.
    GroupName,
}

impl NameKind {
    /// For the sentence "… is the … of …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Username => "username",
            Self::GroupName => "name",
        }
    }
}

/// A name and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Name {
    /// As it was typed.
    pub typed: String,
    /// What it was taken for.
    #[serde(rename = "as")]
    pub kind: NameKind,
    /// The identifier that takes its place.
    pub id: String,
}

/// The subject as tuples have it, and the name it was given by, if it was. What names nobody here stays as it is:
/// identifiers may be of another system. Errors: [`Error::Invalid`] for the name of somebody whose address is not known
/// to be theirs, with what to do.
pub fn subject(
    cx: &Cx,
    from: &(impl Read + ?Sized),
    typed: &SubjectRef,
    naming: Naming,
) -> Result<(SubjectRef, Option<Name>), Error> {
    let name = match typed.kind.as_str() {
        _ if naming == Naming::Identifiers || typed.id == ANY => None,
        USER if typed.id.parse::<UserId>().is_err() => person(cx, from, &typed.id, naming)?,
        GROUP => group(cx, from, &typed.id)?,
        _ => None,
    };
    let id = name.as_ref().map_or(&typed.id, |name| &name.id).clone();
    Ok((SubjectRef { id, ..typed.clone() }, name))
}

/// A subject that somebody wrote as `type:id`. Types and identifiers may both hold colons, so the type is one that is
/// known here. Errors: [`Error::Invalid`] where it has not this form, or where no type or more than one fits.
pub fn parse_subject(cx: &Cx, from: &(impl Read + ?Sized), text: &str) -> Result<SubjectRef, Error> {
    /// A type has at most so many colons, and one more stands behind it.
    const COLONS: usize = 3;
    let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).take(COLONS).collect();
    let readings: Vec<(&str, &str)> = colons
        .iter()
        .filter_map(|at| Some((text.get(..*at)?, text.get(at + 1..)?)))
        .filter(|(kind, id)| !kind.is_empty() && !id.is_empty())
        .collect();
    let models = Models::current(cx, from)?;
    let mut known = Vec::new();
    for (kind, id) in &readings {
        if SUBJECT_TYPES.contains(kind) || models.find(from, kind)?.is_some() {
            known.push(SubjectRef::new(*kind, *id));
        }
    }
    match (known.as_slice(), readings.as_slice()) {
        ([only], _) => Ok(only.clone()),
        ([], [(kind, id)]) => Ok(SubjectRef::new(*kind, *id)),
        ([], []) => Err(Error::invalid("subject", "is not TYPE:ID")),
        ([], _) => Err(Error::invalid("subject", format!("{} names no type that is known here", quoted(text)))),
        (both, _) => {
            let kinds: Vec<String> = both.iter().map(|one| quoted(&one.kind)).collect();
            let problem = format!(
                "{} can mean the types {}: send `subject_type` and `subject_id`",
                quoted(text),
                kinds.join(" and ")
            );
            Err(Error::invalid("subject", problem))
        }
    }
}

/// The object as tuples have it: a group may be named, when a person typed it.
pub fn object(
    cx: &Cx,
    from: &(impl Read + ?Sized),
    (entity_type, id): (&str, &str),
    naming: Naming,
) -> Result<String, Error> {
    let named = entity_type == GROUP && id != ANY && naming != Naming::Identifiers;
    let name = if named { group(cx, from, id)? } else { None };
    Ok(name.map_or_else(|| id.to_owned(), |name| name.id))
}

/// As [`subject`] and [`object`], of a whole tuple whose types are spelled as their models spell them.
pub fn key(
    cx: &Cx,
    from: &(impl Read + ?Sized),
    typed: &TupleKey,
    naming: Naming,
) -> Result<(TupleKey, Option<Name>), Error> {
    let (subject, name) = subject(cx, from, &typed.subject, naming)?;
    let entity_id = object(cx, from, (&typed.entity_type, &typed.entity_id), naming)?;
    Ok((TupleKey { entity_id, subject, ..typed.clone() }, name))
}

/// The person to whom this e-mail address is known to belong.
pub fn holder_of_address(cx: &Cx, from: &(impl Read + ?Sized), email: &str) -> Result<Option<User>, Error> {
    let found = if email.contains('@') { users::find_by_name(from, cx, email)? } else { None };
    Ok(found.filter(|user| user.email_verified))
}

/// How many of these subjects have an identifier that is also the name of somebody, or of a group, here.
pub fn count_of_names<'s>(
    cx: &Cx,
    from: &(impl Read + ?Sized),
    subjects: impl IntoIterator<Item = &'s SubjectRef>,
) -> Result<usize, Error> {
    let mut count = 0;
    for one in subjects {
        count += usize::from(subject(cx, from, one, Naming::Asking)?.1.is_some());
    }
    Ok(count)
}

fn person(cx: &Cx, from: &(impl Read + ?Sized), typed: &str, naming: Naming) -> Result<Option<Name>, Error> {
    let Some(user) = users::find_by_name(from, cx, typed)? else { return Ok(None) };
    let kind = if typed.contains('@') { NameKind::Email } else { NameKind::Username };
    if naming == Naming::Names && !user.email_verified {
        let problem = format!(
            "`{typed}` is the {} of the account {id}, whose e-mail address is not known to be theirs: anybody can sign up with a name. Write {id} if \
             you mean this account, or mark its address as verified. If you mean somebody of another system, say that it is an identifier.",
            kind.words(),
            id = user.id,
        );
        return Err(Error::invalid("subject_id", problem));
    }
    Ok(Some(Name { typed: typed.to_owned(), kind, id: user.id.to_string() }))
}

fn group(cx: &Cx, from: &(impl Read + ?Sized), typed: &str) -> Result<Option<Name>, Error> {
    if typed.parse::<GroupId>().is_ok() {
        return Ok(None);
    }
    let found = groups::find(cx, from, typed)?;
    Ok(found.map(|group| Name { typed: typed.to_owned(), kind: NameKind::GroupName, id: group.id.to_string() }))
}
