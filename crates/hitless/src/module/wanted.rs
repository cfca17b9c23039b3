//! What a supervisor asks of a module that is to run with another configuration, and what it
//! answers. Pure.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/change` with [`Wanted`] | [`Prospect`]: whether it could; nothing is changed |
//! | `POST /v1/change/NUMBER` | nothing, when that is in force; or why it is not |
//!
//! Of two large configurations that differ in a line only the difference travels.

use std::collections::BTreeMap;

use hitless_config::model::{Module, Name, ServerFarm, VirtualServer};
use serde::{Deserialize, Serialize};

use crate::api::types::ModuleConfig;

/// Another configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    /// All of it.
    Whole(Box<ModuleConfig>),
    /// What is different.
    Changed(Box<Changed>),
}

/// What is different in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// Digest of the configuration that it was made from.
    base: u64,
    /// Everything but farms and virtual servers.
    rest: ModuleConfig,
    farms: Part<ServerFarm>,
    virtual_servers: Part<VirtualServer>,
}

/// What is different in a list by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part<T> {
    put: BTreeMap<Name, T>,
    taken: Vec<Name>,
}

impl<T: Clone + PartialEq> Part<T> {
    fn between(before: &BTreeMap<Name, T>, after: &BTreeMap<Name, T>) -> Self {
        let is_news = |(name, value): &(&Name, &T)| before.get(*name) != Some(*value);
        let put = after.iter().filter(is_news).map(|(name, value)| (name.clone(), value.clone()));
        let taken = before.keys().filter(|name| !after.contains_key(*name)).cloned();
        Self { put: put.collect(), taken: taken.collect() }
    }

    fn apply(self, to: &mut BTreeMap<Name, T>) {
        for name in &self.taken {
            to.remove(name);
        }
        to.extend(self.put);
    }
}

impl Changed {
    /// What there is between two configurations of a module.
    pub(crate) fn between(before: &ModuleConfig, after: &ModuleConfig) -> Self {
        let Module { farms, virtual_servers, .. } = &after.module;
        let without = |module: &Module| Module {
            farms: BTreeMap::new(),
            virtual_servers: BTreeMap::new(),
            ..module.clone()
        };
        Self {
            base: before.digest,
            farms: Part::between(&before.module.farms, farms),
            virtual_servers: Part::between(&before.module.virtual_servers, virtual_servers),
            rest: ModuleConfig { module: without(&after.module), ..after.clone() },
        }
    }

    /// The configuration, made of the one that it was made from; none if that is another one.
    pub(crate) fn on(self, before: &ModuleConfig) -> Option<ModuleConfig> {
        if self.base != before.digest {
            return None;
        }
        let Module { mut farms, mut virtual_servers, .. } = before.module.clone();
        self.farms.apply(&mut farms);
        self.virtual_servers.apply(&mut virtual_servers);
        let module = Module { farms, virtual_servers, ..self.rest.module };
        (hitless_config::digest(&module) == self.rest.digest)
            .then_some(ModuleConfig { module, ..self.rest })
    }
}

/// What a module would have to do for another configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Prospect {
    /// Nothing that anybody notices; it is prepared under this number, until the next one is.
    InPlace {
        /// To be asked for.
        number: u64,
        /// What of it has no effect.
        notices: Vec<String>,
    },
    /// It has to begin another life, with its peer told before.
    Renewal(String),
    /// It has to be stopped and started.
    Anew(String),
    /// It does not have the configuration that the difference was made from.
    Stale,
    /// It cannot have it.
    Refused {
        /// For people.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(lines: &str) -> ModuleConfig {
        let text = format!("module csm 5\n vlan 2 client\n{lines}");
        let configuration = hitless_config::parse(&text, "a.conf").unwrap();
        let module = configuration.modules.into_values().next().unwrap();
        let digest = hitless_config::digest(&module);
        ModuleConfig { hostname: "a".to_owned(), module, digest }
    }

    const WEB: &str = " serverfarm FARM\n  real 10.9.3.11\n   inservice\n vserver WEB\n  \
                       virtual 10.9.2.80 tcp 80\n  serverfarm FARM\n  inservice\n";

    #[test]
    fn a_difference_makes_the_one_of_the_other() {
        let more = format!(
            "{WEB} serverfarm OTHER\n ft group 9 vlan 9\n variable MAX_CONNECTIONS 65536\n"
        );
        let less = " serverfarm FARM\n  real 10.9.3.12\n   inservice\n".to_owned();
        for (from, to) in [(WEB, more.as_str()), (WEB, &less), (&more, WEB), (WEB, WEB), ("", WEB)]
        {
            let (before, after) = (config(from), config(to));
            let changed = Changed::between(&before, &after);
            let written = serde_json::to_string(&changed).unwrap();
            let read: Changed = serde_json::from_str(&written).unwrap();
            assert_eq!(read.on(&before), Some(after));
        }
    }

    #[test]
    fn a_difference_from_another_configuration_is_known() {
        let changed = Changed::between(&config(WEB), &config(""));
        assert_eq!(changed.on(&config(" serverfarm OTHER\n")), None);
    }

    #[test]
    fn what_stayed_the_same_does_not_travel() {
        let after = WEB.replace("10.9.3.11", "10.9.3.12");
        let changed = Changed::between(&config(WEB), &config(&after));
        assert_eq!((changed.farms.put.len(), changed.virtual_servers.put.len()), (1, 0));
    }
}
