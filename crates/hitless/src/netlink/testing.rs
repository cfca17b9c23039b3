//! For tests that need the kernel: a network namespace of their own.

use super::netns;

/// Runs a test inside a new network namespace that ends with it.
pub(crate) fn in_own_namespace(test: impl AsyncFnOnce() + Send) {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test makes network namespaces: run it as root, through sudo"
    );
    netns::run_in_new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(test());
    })
    .unwrap();
}
