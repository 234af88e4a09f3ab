//! Models and tuples that were written elsewhere, or by us in another installation.
//!
//! May use: `access::model`. Nothing is stored here: what comes out is written like anything else that a person writes. Start reading at
//! [`openfga`] and [`tuples`].

pub mod openfga;
pub mod tuples;

pub use openfga::{Imported, ImportedModel, import};
pub use tuples::{Incoming, read_tuple, read_tuples, write_tuple};
