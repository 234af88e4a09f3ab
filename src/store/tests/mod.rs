//! What every engine must do, over each of them.

mod conformance;
mod model;
