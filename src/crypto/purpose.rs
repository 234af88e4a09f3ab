//! What an authenticated or sealed value is for, and whose it is: part of what is authenticated, so that nothing made
//! for one purpose or one tenant is taken for another.

use std::borrow::Cow;

use crate::base::id::TenantId;

/// What a value is for, in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose<'a> {
    tenant: TenantId,
    name: &'a str,
}

impl<'a> Purpose<'a> {
    /// The purpose of this name in a tenant. Names are texts of the program and differ from each other.
    pub const fn of(tenant: TenantId, name: &'a str) -> Self {
        Self { tenant, name }
    }

    /// A purpose of the installation itself, which belongs to no tenant.
    pub const fn of_installation(name: &'a str) -> Self {
        Self::of(TenantId::INSTALLATION, name)
    }

    /// What is authenticated. For the installation and the default tenant it is the name alone, as it was before
    /// purposes named a tenant: what was sealed and given out then is still good. For all others the name follows a
    /// zero byte, with which no name begins, and the number.
    pub(super) fn bytes(&self) -> Cow<'a, [u8]> {
        match self.tenant {
            TenantId::INSTALLATION | TenantId::DEFAULT => Cow::Borrowed(self.name.as_bytes()),
            TenantId(number) => Cow::Owned([&[0], number.to_be_bytes().as_slice(), self.name.as_bytes()].concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tenants_and_no_two_names_are_authenticated_alike() {
        let all = [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (0x0200_0000, "a"), (7, "\u{7}a")];
        let bytes: std::collections::BTreeSet<_> =
            all.map(|(tenant, name)| Purpose::of(TenantId(tenant), name).bytes().into_owned()).into();
        assert_eq!(bytes.len(), all.len());
    }

    #[test]
    fn the_default_tenant_keeps_what_it_gave_out_before() {
        assert_eq!(&*Purpose::of(TenantId::DEFAULT, "device").bytes(), b"device");
        assert_eq!(&*Purpose::of_installation("mac_key").bytes(), b"mac_key");
    }
}
