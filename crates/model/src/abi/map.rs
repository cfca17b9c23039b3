//! Names of the maps in the BPF object, and what they hold.

/// Array of one [`super::RoleWord`].
pub const ROLE: &str = "ROLE";
/// Hash of interface number (`u32`) to [`super::VlanPort`].
pub const PORTS: &str = "PORTS";
/// Array of [`super::VlanPort`]: copies of those in `PORTS` by [`super::slot_of`], for look-ups that
/// take no hash. Of two ports with one slot the second is in `PORTS` only.
pub const PORT_SLOTS: &str = "PORT_SLOTS";
/// Hash of [`super::FloatingKey`] to [`super::Floating`].
pub const FLOATING: &str = "FLOATING";
/// Hash of [`super::VirtualKey`] to [`super::VirtualServer`].
pub const VIRTUAL: &str = "VIRTUAL";
/// Array of `u32`, index into `REALS`: the reals of each farm in the order of the predictor.
pub const SCHEDULE: &str = "SCHEDULE";
/// Array of `u64` by farm, next position in its schedule; the programs count it up.
pub const TURN: &str = "TURN";
/// Array of [`super::Real`].
pub const REALS: &str = "REALS";
/// Hash of [`super::VirtualKey`] to `u32` (always 1): addresses and ports of reals of farms that translate.
pub const REAL_ADDRS: &str = "REAL_ADDRS";
/// Array of [`super::NextHop`]; entry 0 is never used.
pub const NEXT_HOPS: &str = "NEXT_HOPS";
/// Hash of [`super::FlowKey`] (client to virtual server) to [`super::Conn`]; programs and user space write.
pub const CONN_FWD: &str = "CONN_FWD";
/// Hash of [`super::FlowKey`] (real to client) to [`super::Conn`]; programs and user space write.
pub const CONN_REV: &str = "CONN_REV";
/// Evicting hash like `CONN_FWD`, for connections that are not established.
pub const EMB_FWD: &str = "EMB_FWD";
/// Evicting hash like `CONN_REV`, for connections that are not established.
pub const EMB_REV: &str = "EMB_REV";
/// Hash of [`super::StickyKey`] to [`super::StickyEntry`]: clients that stick; programs and user space write.
pub const STICKY: &str = "STICKY";
/// Evicting hash like `STICKY`, for clients none of whose connections is established; programs write.
pub const STICKY_NEW: &str = "STICKY_NEW";
/// Hash of [`super::FarmRealKey`] to `u32`, index into `REALS`: reals in service of farms that clients stick to.
pub const FARM_REALS: &str = "FARM_REALS";
/// Array of one [`super::TableUse`], written by the programs.
pub const USE_BPF: &str = "USE_BPF";
/// Array of one [`super::TableUse`], written by user space.
pub const USE_USER: &str = "USE_USER";
/// Ring buffer of [`super::Event`], from the programs to user space.
pub const EVENTS: &str = "EVENTS";
/// Per-CPU array of one [`super::Local`], written by the programs.
pub const LOCAL: &str = "LOCAL";
