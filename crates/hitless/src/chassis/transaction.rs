//! A change of what chassis and modules are: all of it, or none.
//!
//! ```text
//!  plan the network ─ ask every module ─▶ make what is missing ─▶ modules, the ones that notice
//!                                             │                   nothing first ─▶ remove the rest
//!                                             └─ refused: everything back
//! ```
//! Nothing that somebody still needs is removed before everybody has changed over. A module whose
//! configuration is the same is not even asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use hitless_config::Configuration;
use hitless_model::Slot;

use super::desired::Desired;
use super::modules::{Modules, module_config};
use super::network::Network;
use super::plan::Plan;
use super::taking::{Taking, Way};
use crate::api::types::ModuleConfig;
use crate::store::wish::No;

/// A change under way.
pub(crate) struct Transaction<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) modules: &'a mut Modules,
    pub(crate) before: &'a Configuration,
    pub(crate) after: &'a Configuration,
}

/// What is to become of the modules.
#[derive(Default)]
struct Moves {
    /// Those that stay and have another configuration, and how they get it.
    changed: Vec<(Slot, Way)>,
    added: BTreeMap<Slot, Arc<ModuleConfig>>,
    removed: Vec<Slot>,
    notices: Vec<String>,
}

impl Transaction<'_> {
    /// Makes the change, or with `trial` only finds out whether it could be made. The answer is what
    /// there is to say about it.
    ///
    /// # Errors
    /// Why it is not made; then everything is as before.
    pub(crate) async fn carry_out(&mut self, trial: bool) -> Result<Vec<String>, No> {
        let plan = self.plan().await?;
        let moves = self.ask_modules().await?;
        if trial {
            return Ok(moves.notices);
        }
        for notice in &moves.notices {
            tracing::info!("{notice}");
        }
        if let Some((plan, desired)) = plan {
            self.network
                .extend(&plan, desired)
                .await
                .map_err(|error| No::because(error.to_string()))?;
            let made = self.change_modules(&moves).await;
            let lasting = if made.is_ok() { self.after } else { self.before };
            self.network.want(Desired::new(lasting));
            self.network.reconcile().await;
            made?;
        } else {
            self.change_modules(&moves).await?;
        }
        Ok(moves.notices)
    }

    /// What the network needs while old and new are both there; none if nothing changes.
    async fn plan(&self) -> Result<Option<(Plan, Desired)>, No> {
        let (before, after) = (Desired::new(self.before), Desired::new(self.after));
        if before == after {
            return Ok(None);
        }
        let both = after.joined_with(&before);
        let plan = self.network.plan_for(&both).await;
        let plan = plan.map_err(|error| No::because(error.to_string()))?;
        if plan.conflicts.is_empty() {
            return Ok(Some((plan, both)));
        }
        let sentences: Vec<_> = plan.conflicts.iter().map(ToString::to_string).collect();
        let words = plan.conflicts.first().map(super::plan::Conflict::words).unwrap_or_default();
        Err(No { why: sentences.join("\n"), words })
    }

    async fn ask_modules(&self) -> Result<Moves, No> {
        let mut moves = Moves::default();
        for (&slot, module) in &self.after.modules {
            let is_same = self.after.hostname == self.before.hostname
                && self.before.modules.get(&slot) == Some(module);
            if is_same {
                continue;
            }
            let config = Arc::new(module_config(self.after, module));
            if !self.before.modules.contains_key(&slot) {
                moves.notices.push(format!("module csm {slot}: is started"));
                moves.added.insert(slot, config);
                continue;
            }
            let (way, notices) = self.ask(slot, config).await?;
            moves.notices.extend(notices.iter().map(|said| format!("module csm {slot}: {said}")));
            moves.changed.push((slot, way));
        }
        let gone = |slot: &&Slot| !self.after.modules.contains_key(slot);
        moves.removed = self.before.modules.keys().filter(gone).copied().collect();
        let stops = |slot: &Slot| format!("module csm {slot}: hands over and is stopped");
        moves.notices.extend(moves.removed.iter().map(stops));
        // What cannot be undone without being noticed comes last.
        moves.changed.sort_by_key(|(_, way)| way.weight());
        Ok(moves)
    }

    /// How one module would take its new configuration.
    async fn ask(&self, slot: Slot, config: Arc<ModuleConfig>) -> Result<(Way, Vec<String>), No> {
        let taking = Taking::new(self.modules, slot, config);
        if let Some(vlan) = self.rewired(slot) {
            return Ok(taking.anew(&format!("VLAN {vlan} gets another interface")));
        }
        taking.ask().await
    }

    /// A VLAN of a module that stays and gets another interface.
    fn rewired(&self, slot: Slot) -> Option<hitless_model::VlanId> {
        let wirings = |of: &Configuration| Desired::new(of).modules.remove(&slot);
        let (before, after) = (wirings(self.before)?, wirings(self.after)?);
        let is_other = |vlan: &&hitless_model::VlanId| {
            before.get(vlan).is_some_and(|wiring| after.get(vlan) != Some(wiring))
        };
        after.keys().find(is_other).copied()
    }

    /// Has every module change over; if one does not, those that have change back.
    async fn change_modules(&mut self, moves: &Moves) -> Result<(), No> {
        let (mut changed, mut added) = (Vec::new(), Vec::new());
        let Err(why) = self.advance(moves, &mut changed, &mut added).await else {
            for slot in &moves.removed {
                self.modules.remove(*slot).await;
            }
            return Ok(());
        };
        for slot in added {
            self.modules.remove(slot).await;
        }
        for slot in changed.into_iter().rev() {
            self.change_back(slot).await;
        }
        Err(No::because(why))
    }

    /// Notes what it has begun, for somebody may have to undo it.
    async fn advance(
        &mut self,
        moves: &Moves,
        changed: &mut Vec<Slot>,
        added: &mut Vec<Slot>,
    ) -> Result<(), String> {
        for (slot, way) in &moves.changed {
            changed.push(*slot);
            way.go(self.modules).await?;
        }
        for (slot, config) in &moves.added {
            self.modules.add(*slot, Arc::clone(config)).await?;
            added.push(*slot);
        }
        Ok(())
    }

    /// Gives a module what it had.
    async fn change_back(&self, slot: Slot) {
        let Some(module) = self.before.modules.get(&slot) else { return };
        let config = Arc::new(module_config(self.before, module));
        let taking = Taking::new(self.modules, slot, Arc::clone(&config));
        let outcome = match taking.ask().await {
            Ok((way, _)) => way.go(self.modules).await,
            Err(no) => Err(no.why),
        };
        self.modules.want(slot, config);
        if let Err(why) = outcome {
            tracing::error!("module csm {slot}: does not have its configuration back: {why}");
        }
    }
}
