//! Auther: the identity server that fits in one file, decides who may do what, and can always say why.
//!
//! Six floors; a module uses the floors below it, and on its own floor only what stands before it in this list:
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 0 | [`base`] | time, chance, identifiers, secrets and pages as values |
//! | 0 | [`records`] | the stored shapes |
//! | 0 | [`config`] | what the operator typed, and what it means |
//! | 0 | [`crypto`] | signatures, keys, passwords, sealed values |
//! | 1 | [`store`] | the disk |
//! | 1 | [`script`] | policies in Lua, in a sandbox |
//! | 1 | [`outbound`] | requests to others, behind one guard |
//! | 2 | [`tenant`] | whose data, keys, settings and addresses an operation works with |
//! | 2 | [`process_state`] | the register of what a process keeps between operations |
//! | 2 | [`cx`] | what every rule is handed |
//! | 3 | [`audit`] | who did what to whom |
//! | 3 | [`rights`] | the right to a change, decided where the change is made |
//! | 3 | [`outbox`] | what a change leaves to be delivered later |
//! | 3 | [`identity`] | people, sessions, signing in and up |
//! | 3 | [`access`] | who may do what, and what of it stands in a token |
//! | 3 | [`apikeys`] | keys of machines: made, checked, counted |
//! | 3 | [`oauth`] | OAuth 2 and OpenID Connect |
//! | 3 | [`doctor`] | what is wrong with an installation, and what to do about it |
//! | 4 | [`http`] | the web: routes, extractors, pages, JSON API |
//! | 5 | [`serve`] | the process: listeners, TLS, background work |
//! | 5 | [`cli`] | the command line |

pub mod access;
pub mod apikeys;
pub mod audit;
pub mod base;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod cx;
pub(crate) mod doctor;
pub mod http;
pub mod identity;
pub mod oauth;
pub mod outbound;
pub mod outbox;
pub(crate) mod process_state;
pub mod records;
pub(crate) mod rights;
pub mod script;
pub mod serve;
pub mod store;
pub mod tenant;
#[cfg(test)]
pub(crate) mod testing;
