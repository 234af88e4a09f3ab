//! The web: what is spoken over HTTP and how it looks.
//!
//! May use: every floor below. Start reading at [`pages`] for what people see and [`assets`] for the files those pages load.

pub mod assets;
pub mod pages;
