//! Tasks of the project.
fn main() -> anyhow::Result<()> {
    nice_plug_xtask::main().map_err(|error| anyhow::anyhow!("{error}"))
}
