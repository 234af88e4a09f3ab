//! Auther: the identity server that fits in one file, decides who may do what, and can always say why.

pub mod base;
pub mod config;
pub mod crypto;
pub mod identity;
pub mod records;
pub mod store;
