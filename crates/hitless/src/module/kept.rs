//! What a module keeps for its next life: the configuration it runs with.
//!
//! A module that was killed goes on before anybody can hand it a configuration, and one that is
//! replaced does so while its supervisor is being replaced too. The file may hold a key, so it is
//! for root alone.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use crate::api::types::ModuleConfig;

/// Replaces the file as a whole. It need not outlive a power cut: what it is for does not either.
pub(crate) fn store(file: &Path, config: &impl Serialize) -> io::Result<()> {
    let fresh = file.with_extension("config.new");
    let mut options = File::options();
    let mut handle = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    handle.write_all(&serde_json::to_vec(config)?)?;
    std::fs::rename(&fresh, file)
}

/// The configuration of the life before; `None` if none is kept.
///
/// # Errors
/// When it cannot be read, or another release wrote it in another form.
pub(crate) fn load(file: &Path) -> io::Result<Option<ModuleConfig>> {
    match std::fs::read(file) {
        Ok(octets) => Ok(Some(serde_json::from_slice(&octets)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use hitless_config::model::Module;

    use super::*;

    #[test]
    fn a_configuration_is_kept_for_root_alone_and_a_damaged_one_is_said() {
        let folder = std::env::temp_dir().join(format!("hitless-kept-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("module-5.config");
        assert_eq!(load(&file).unwrap(), None);
        let config =
            ModuleConfig { hostname: "a".to_owned(), module: Module::default(), digest: 7 };
        store(&file, &config).unwrap();
        assert_eq!(load(&file).unwrap(), Some(config));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "{}").unwrap();
        assert!(load(&file).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
