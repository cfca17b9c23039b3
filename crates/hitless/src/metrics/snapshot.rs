//! What all modules say, asked at once.

use futures::future::{join, join_all};
use hitless_model::Slot;

use crate::api::app::App;
use crate::api::types::{FtState, ModuleStatus, Stats, System, Totals};
use crate::exec::{Module, module_status};

/// One module.
pub(super) struct OneModule {
    pub(super) slot: Slot,
    pub(super) status: ModuleStatus,
    /// Its fault tolerance, if it is at work and has a group.
    pub(super) ft: Option<FtState>,
    /// What its data plane counts, since ever.
    pub(super) stats: Option<Stats>,
    /// Its connections.
    pub(super) totals: Option<Totals>,
}

/// Everything at one moment, as far as that is possible.
pub(super) struct Snapshot {
    pub(super) system: System,
    pub(super) modules: Vec<OneModule>,
}

impl Snapshot {
    /// Asks. What a module does not answer is missing.
    pub(super) async fn take(app: &App) -> Self {
        let asked = app.chassis().modules().map(|(slot, state)| async move {
            let status = module_status(app.chassis(), slot, state).await;
            let Ok(module) = Module::at_work(app.chassis(), slot) else {
                return OneModule { slot, status, ft: None, stats: None, totals: None };
            };
            let ft = module.get::<Option<FtState>>("ft");
            let (stats, totals) = (module.get("counters"), module.get("totals"));
            let (ft, (stats, totals)) = join(ft, join(stats, totals)).await;
            let (ft, stats, totals) = (ft.ok().flatten(), stats.ok(), totals.ok());
            OneModule { slot, status, ft, stats, totals }
        });
        Self { system: app.system(), modules: join_all(asked).await }
    }
}
