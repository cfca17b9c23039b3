//! The command reference in `docs/` is what the tree says.

#[test]
fn the_committed_reference_is_what_the_tree_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate/commands.md");
    let committed = std::fs::read_to_string(path).expect("the reference comes with the project");
    let is_same = committed == hitless_config::reference();
    assert!(is_same, "docs/operate/commands.md is stale: `cargo xtask docs` writes it anew");
}
