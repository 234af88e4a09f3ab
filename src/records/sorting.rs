//! What lists of people, apps, groups, keys and sessions can be sorted by.

use super::{ApiKey, Client, Group, Session, User};
use crate::base::sort::{Rank, Sortable};

impl Sortable for User {
    const FIELDS: &'static [&'static str] = &["name", "email", "username", "created_at", "updated_at"];

    fn rank(&self, field: &str) -> Rank {
        match field {
            "name" => Rank::text_if(self.profile.name.as_deref()),
            "email" => Rank::text(&self.email),
            "username" => Rank::text_if(self.username.as_deref()),
            "updated_at" => Rank::Time(self.updated_at),
            _ => Rank::Time(self.created_at),
        }
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Sortable for Client {
    const FIELDS: &'static [&'static str] = &["name", "client_id", "created_at", "updated_at"];

    fn rank(&self, field: &str) -> Rank {
        match field {
            "name" => Rank::text(&self.name),
            "client_id" => Rank::text(self.id.as_str()),
            "updated_at" => Rank::Time(self.updated_at),
            _ => Rank::Time(self.created_at),
        }
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Sortable for Group {
    const FIELDS: &'static [&'static str] = &["name", "created_at", "updated_at"];

    fn rank(&self, field: &str) -> Rank {
        match field {
            "name" => Rank::text(&self.name),
            "updated_at" => Rank::Time(self.updated_at),
            _ => Rank::Time(self.created_at),
        }
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Sortable for ApiKey {
    const FIELDS: &'static [&'static str] = &["name", "created_at", "updated_at", "expires_at", "last_used_at"];

    fn rank(&self, field: &str) -> Rank {
        match field {
            "name" => Rank::text(&self.name),
            "updated_at" => Rank::Time(self.updated_at),
            "expires_at" => Rank::time_if(self.expires_at),
            "last_used_at" => Rank::time_if(self.last_used_at),
            _ => Rank::Time(self.created_at),
        }
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Sortable for Session {
    const FIELDS: &'static [&'static str] = &["created_at", "last_seen_at", "auth_time", "expires_at"];

    fn rank(&self, field: &str) -> Rank {
        Rank::Time(match field {
            "last_seen_at" => self.last_seen_at,
            "auth_time" => self.auth_time(),
            "expires_at" => self.expires_at,
            _ => self.created_at,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}
