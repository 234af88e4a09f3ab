//! `auther admin group`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::flags::{PageFlags, SortFlag, one_of};
use super::output::{Failure, Output, facts, list, text};
use super::remote::{Call, Remote};
use super::tuple::{stranger, taken_for};
use super::user::would_end;
use crate::access::groups::Change;
use crate::http::admin::groups::{MemberKind, NewGroup, NewMember};

/// What can be done with groups.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Make a group
    #[command(after_help = "Example:\n  auther admin group create --name Engineering --description \"Who builds it\"")]
    Create(CreateArgs),
    /// List groups
    List(ListArgs),
    /// Show a group and who is in it
    Show(ShowArgs),
    /// Give a group another name or description
    #[command(after_help = "Example:\n  auther admin group update Engineering --name Builders\n\n\
        What is not named stays. Grants and memberships go by the group's id and stay too.")]
    Update(UpdateArgs),
    /// Put a person, key, client or other group into a group
    #[command(after_help = "Examples:\n  \
        auther admin group add-member Engineering ann@example.com\n  \
        auther admin group add-member Engineering key_… --type apikey\n  \
        auther admin group add-member Product Engineering --type group   (Engineering's members inherit)")]
    AddMember(MemberArgs),
    /// Take somebody out of a group
    RemoveMember(MemberArgs),
    /// Delete a group, its memberships and everything that was granted to it
    Delete(DeleteArgs),
}

/// Names a group.
#[derive(Args, Debug)]
pub struct Named {
    /// Name or `grp_…`
    #[arg(value_name = "GROUP")]
    group: String,
}

/// `group create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Unique name
    #[arg(long)]
    name: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
}

/// `group update`.
#[derive(Args, Debug)]
#[group(id = "change", required = true, multiple = true, args = ["new_name", "description"])]
pub struct UpdateArgs {
    #[command(flatten)]
    named: Named,
    /// Unique name
    #[arg(long = "name", id = "new_name", value_name = "NAME")]
    name: Option<String>,
    /// What it is for; empty for none
    #[arg(long)]
    description: Option<String>,
}

/// `group list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Stands in the name, the description or the id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    sort: SortFlag,
    #[command(flatten)]
    page: PageFlags,
}

/// `group delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    named: Named,
    /// Only say what would go with it
    #[arg(long)]
    dry_run: bool,
}

/// `group show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    named: Named,
    /// Only who was put in by name, not who is in through other groups
    #[arg(long)]
    direct: bool,
}

/// `group add-member` and `group remove-member`.
#[derive(Args, Debug)]
pub struct MemberArgs {
    #[command(flatten)]
    named: Named,
    /// E-mail address, username, name of a group, or identifier
    member: String,
    /// What the member is
    #[arg(long = "type", value_name = "TYPE", default_value = "user", value_parser = one_of::<MemberKind>())]
    kind: MemberKind,
    /// Take the member for an identifier, also when somebody here has it as their name
    #[arg(long)]
    as_is: bool,
}

impl GroupCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => {
                let body = NewGroup { name: args.name, description: args.description };
                let answer = remote.call(Call::post(["groups"]).body(&body))?;
                output.show(&answer, |answer| format!("Created.\n\n{}", group(answer)))
            }
            Self::List(args) => {
                let call = Call::get(["groups"]).page(&args.page).sort(args.sort);
                let answer = remote.call(call.query("search", args.search))?;
                let columns = [("NAME", "name"), ("ID", "id"), ("DESCRIPTION", "description")];
                output.show(&answer, |answer| list(answer, &columns, "No group yet."))
            }
            Self::Show(args) => {
                let mut answer = remote.call(Call::get(["groups", &args.named.group]))?;
                let direct = args.direct.then(|| String::from("true"));
                let members = Call::get(["groups", &args.named.group, "members"]).query("direct", direct);
                let members = remote.call(members)?;
                if let (Some(answer), Some(members)) = (answer.as_object_mut(), members.get("items")) {
                    answer.insert(String::from("members"), members.clone());
                }
                output.show(&answer, |answer| {
                    let columns = [
                        ("TYPE", "subject_type"),
                        ("ID", "subject_id"),
                        ("NAME", "name"),
                        ("THROUGH", "through"),
                        ("CONDITIONAL", "conditional"),
                    ];
                    let members = json!({"items": answer.get("members").cloned().unwrap_or_default(), "next": null});
                    format!("{}\n\n{}", group(answer), list(&members, &columns, "Nobody is in it."))
                })
            }
            Self::Update(args) => {
                let body = Change { name: args.name, description: args.description.map(Some), version: None };
                let answer = remote.call(Call::patch(["groups", &args.named.group]).body(&body))?;
                output.show(&answer, |answer| format!("Changed.\n\n{}", group(answer)))
            }
            Self::AddMember(args) => {
                let body =
                    NewMember { subject_type: Some(args.kind), subject_id: args.member, names: Some(!args.as_is) };
                let call = Call::post(["groups", &args.named.group, "members"]).body(&body);
                let answer = remote.call(call)?;
                output.show(&answer, |answer| {
                    let (kind, id) = (text(answer, "subject_type"), text(answer, "subject_id"));
                    format!("{kind}:{id} is in {}.{}{}", args.named.group, taken_for(answer), stranger(answer))
                })
            }
            Self::RemoveMember(args) => {
                let call = Call::delete(["groups", &args.named.group, "members", args.kind.as_str(), &args.member])
                    .query("names", args.as_is.then(|| String::from("false")));
                output.show(&remote.call(call)?, |answer| {
                    format!("{}:{} was removed.", text(answer, "subject_type"), text(answer, "subject_id"))
                })
            }
            Self::Delete(DeleteArgs { named, dry_run: true }) => {
                output.show(&remote.call(Call::get(["groups", &named.group, "deletion"]))?, would_end)
            }
            Self::Delete(DeleteArgs { named, .. }) => {
                let answer = remote.call(Call::delete(["groups", &named.group]))?;
                output.show(&answer, |answer| {
                    let ended = answer.get("ended").unwrap_or(&Value::Null);
                    format!("Deleted {}; {} tuples went with it.", text(answer, "name"), text(ended, "tuples"))
                })
            }
        }
    }
}

fn group(document: &Value) -> String {
    let members = [("id", "id"), ("name", "name"), ("description", "description"), ("created", "created_at")];
    facts(document, &members)
}
