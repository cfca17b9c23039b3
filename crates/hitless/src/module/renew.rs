//! Replacing the module's program in place: announced to the peer, refused when it would cost the
//! active role, and done by `exec` in the same process, so that it stays its supervisor's child.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use hitless_config::model::Module;

use super::engine::{Absence, Engine};
use super::{Life, clock, kept, realtime, settings};
use crate::api::types::{ModuleConfig, Renew, Renewal};

/// Time for the answer to reach the one who asked, and for the log to be written.
const LAST_WORDS: Duration = Duration::from_millis(5);

/// Answers a request to replace the program; after [`Renewal::Granted`], unless that was a trial,
/// [`leave`] must follow.
pub(crate) async fn answer(life: &Life, engine: Option<&Engine>, renew: &Renew) -> Renewal {
    if let Err(why) = check_program(&renew.program) {
        return Renewal::Refused(why);
    }
    // A configuration in the form of a later release is that release's to judge.
    let config: Option<ModuleConfig> = serde_json::from_value(renew.config.clone()).ok();
    if let (Some(engine), Some(config)) = (engine, &config)
        && let Some(why) = too_different(&engine.held().config.module, &config.module)
    {
        return Renewal::Anew(why.to_owned());
    }
    if let Some(engine) = engine.filter(|_| !renew.trial) {
        engine.leave_keeping(true);
    }
    if !renew.trial
        && let Err(error) = kept::store(&life.names.module_config(life.slot), &renew.config)
    {
        return Renewal::Refused(format!("its configuration cannot be kept: {error}"));
    }
    let Some(engine) = engine else { return Renewal::Granted };
    let absence = if renew.trial { Absence::Trial } else { Absence::Now };
    if let Err(why) = engine.announce_absence(absence).await {
        if !renew.trial {
            // It lives on with what it had, and so would a life after this one.
            let kept = kept::store(&life.names.module_config(life.slot), &engine.held().config);
            kept.unwrap_or_else(|error| tracing::warn!("the configuration is not kept: {error}"));
            engine.leave_keeping(false);
        }
        return Renewal::Refused(why);
    }
    Renewal::Granted
}

/// Becomes the other program. Only a failure returns.
pub(crate) async fn leave(life: &Life, program: &Path) {
    tokio::time::sleep(LAST_WORDS).await;
    // The next life inherits it, and relaxes when it has spoken.
    realtime::hurry();
    let error = become_program(life, program);
    realtime::relax();
    tracing::error!("cannot become {}: {error}; going on as before", program.display());
}

fn become_program(life: &Life, program: &Path) -> io::Error {
    let run = || -> io::Result<()> {
        let slot = life.slot.to_string();
        let now = clock::now().as_nanos().to_string();
        let state_dir = life.names.state_dir().as_os_str().as_bytes();
        let arguments: [&[u8]; 8] = [
            b"hitlessd",
            b"module",
            b"--slot",
            slot.as_bytes(),
            b"--state-dir",
            state_dir,
            b"--replaces",
            now.as_bytes(),
        ];
        let arguments: Vec<_> =
            arguments.into_iter().map(CString::new).collect::<Result<_, _>>()?;
        let path = CString::new(program.as_os_str().as_bytes())?;
        nix::unistd::execv(&path, &arguments)?;
        Ok(())
    };
    run().err().unwrap_or_else(|| io::ErrorKind::Other.into())
}

/// That there is a program, and that it can be run.
pub(crate) fn check_program(program: &Path) -> Result<(), String> {
    let shown = program.display();
    match std::fs::metadata(program) {
        Ok(facts) if !facts.is_file() => return Err(format!("{shown} is not a file")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("there is no program {shown} any more"));
        }
        Err(error) => return Err(format!("{shown}: {error}")),
    }
    rustix::fs::access(program, rustix::fs::Access::EXEC_OK)
        .map_err(|_| format!("{shown} is not executable"))
}

/// What the next life could not take over.
pub(super) fn too_different(before: &Module, after: &Module) -> Option<&'static str> {
    let pair = |module: &Module| module.ft.as_ref().map(|ft| (ft.group, ft.vlan));
    if pair(before) != pair(after) {
        return Some("its fault-tolerant group is another one");
    }
    let size = |module: &Module| settings::connections(module);
    (size(before) != size(after)).then_some("its connection table has another size")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(lines: &str) -> Module {
        let text = format!("module csm 5\n{lines}");
        hitless_config::parse(&text, "a.conf").unwrap().modules.into_values().next().unwrap()
    }

    #[test]
    fn a_group_and_the_size_of_the_table_cannot_be_taken_over_and_the_rest_can() {
        let before = module(" ft group 90 vlan 9\n  priority 20\n");
        let same = module(" ft group 90 vlan 9\n  priority 10\n  heartbeat-time msec 100\n");
        assert_eq!(too_different(&before, &same), None);
        for other in [" ft group 91 vlan 9\n", " ft group 90 vlan 8\n", ""] {
            let why = too_different(&before, &module(other));
            assert_eq!(why, Some("its fault-tolerant group is another one"), "{other}");
        }
        let larger = module(" variable MAX_CONNECTIONS 65536\n ft group 90 vlan 9\n");
        let why = too_different(&before, &larger);
        assert_eq!(why, Some("its connection table has another size"));
    }

    #[test]
    fn a_program_that_is_gone_or_cannot_run_is_refused_in_a_sentence() {
        let folder = std::env::temp_dir().join(format!("hitless-renew-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("hitlessd");
        let said = |ending: &str| Err(format!("{}{ending}", file.display()));
        let gone = Err(format!("there is no program {} any more", file.display()));
        assert_eq!(check_program(&file), gone);
        std::fs::write(&file, "").unwrap();
        assert_eq!(check_program(&file), said(" is not executable"));
        assert!(check_program(&folder).is_err());
        assert_eq!(check_program(&std::env::current_exe().unwrap()), Ok(()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
