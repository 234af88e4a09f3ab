//! Auther: the identity server that fits in one file, decides who may do what, and can always say why.

pub mod access;
pub mod audit;
pub mod base;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod cx;
pub mod http;
pub mod identity;
pub mod oauth;
pub mod records;
pub mod serve;
pub mod store;
