//! The chassis' network, kept as it should be: level-triggered, and loud about what cannot be had.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::desired::Desired;
use super::kernel::Kernel;
use super::plan::{Plan, plan};
use crate::names::Names;
use crate::netlink::Error;

/// The chassis' network.
pub(crate) struct Network {
    pub(crate) kernel: Kernel,
    names: Names,
    desired: Desired,
    /// What was said already, so that it is said once.
    said: BTreeSet<String>,
}

impl Network {
    pub(crate) fn new(kernel: Kernel, names: &Names, desired: Desired) -> Self {
        Self { kernel, names: names.clone(), desired, said: BTreeSet::new() }
    }

    /// What should be from now on; [`Self::reconcile`] makes it so.
    pub(crate) fn want(&mut self, desired: Desired) {
        self.desired = desired;
    }

    /// Builds everything or nothing.
    pub(crate) async fn build(&mut self) -> Result<()> {
        let plan = self.plan(&self.desired).await?;
        self.free_bridges();
        Ok(self.kernel.apply_all(&plan.operations).await?)
    }

    /// What would have to be done for `desired`, and what stands in the way.
    pub(crate) async fn plan_for(&self, desired: &Desired) -> Result<Plan, Error> {
        Ok(plan(&self.names, desired, &self.kernel.dump().await?))
    }

    /// Does what a plan for `desired` says, or nothing; `desired` is kept from now on.
    pub(crate) async fn extend(&mut self, plan: &Plan, desired: Desired) -> Result<(), Error> {
        self.kernel.apply_all(&plan.operations).await?;
        self.desired = desired;
        Ok(())
    }

    /// What would have to be done for `desired`; an error if something stands in the way.
    pub(crate) async fn plan(&self, desired: &Desired) -> Result<Plan> {
        let plan = self.plan_for(desired).await?;
        if !plan.conflicts.is_empty() {
            let sentences: Vec<_> = plan.conflicts.iter().map(ToString::to_string).collect();
            bail!(sentences.join("\n"));
        }
        Ok(plan)
    }

    /// Does what can be done, and says each new reason why something cannot.
    pub(crate) async fn reconcile(&mut self) {
        self.free_bridges();
        let mut said = BTreeSet::new();
        match self.kernel.dump().await {
            Ok(actual) => {
                let plan = plan(&self.names, &self.desired, &actual);
                said.extend(plan.conflicts.iter().map(ToString::to_string));
                for operation in plan.operations {
                    match self.kernel.apply(&operation).await {
                        Ok(()) => tracing::info!("repaired: {operation}"),
                        Err(error) => drop(said.insert(error.to_string())),
                    }
                }
            }
            Err(error) => drop(said.insert(error.to_string())),
        }
        for sentence in said.difference(&self.said) {
            tracing::warn!("{sentence}");
        }
        self.said = said;
    }

    fn free_bridges(&self) {
        match self.kernel.free_bridges() {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => {
                let names = changed.join(", ").replace('/', ".");
                tracing::info!("set to 0, bridged frames bypass the host's firewall: {names}");
            }
            Err(error) => tracing::warn!("{error}"),
        }
    }
}
