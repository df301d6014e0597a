//! Commands whose sender has given up: each may still be executed, at any later moment, or never.

use crate::turn::Turn;
use crate::world::{Entry, FillId, Stamp, Stamps, Token, Version};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Late {
    Acquire(Token),
    Fill(Token, Version, Stamps),
    Release(Token),
    /// A release that leaves the answer of its load.
    End(Token, Version, Option<Stamp>),
    Refill(FillId, Version, Stamps),
    /// By the writer's number, which is its marker's token: each writes once.
    WriteBegin(usize),
    WriteEnd(usize, Version, Stamps),
}

impl Turn<'_> {
    /// Whether one more can be under way. Where there is no room for it, it never arrives.
    pub fn has_room(&self) -> bool {
        self.world.late.iter().any(Option::is_none)
    }

    pub fn send_late(&mut self, late: Late) {
        if let Some(room) = self.world.late.iter_mut().find(|slot| slot.is_none()) {
            *room = Some(late);
        }
    }

    /// The sender's time is up.
    pub fn give_up(&mut self, late: Late) {
        self.world.timeouts -= 1;
        self.send_late(late);
    }

    pub fn arrive(&mut self, slot: usize) {
        let Some(late) = self.world.late[slot].take() else { return };
        match late {
            Late::Acquire(token) => {
                let acquired = self.acquire(token) == Entry::Absent;
                self.tell(|| {
                    format!("the late acquisition {}", if acquired { "takes the key" } else { "does nothing" })
                });
            }
            Late::Fill(token, version, stamps) => {
                let stored = self.fill(token, version, stamps);
                self.tell(|| format!("the late fill {} v{version}", stores(stored)));
            }
            Late::Release(token) => {
                let released = self.release(token, Entry::Absent);
                self.tell(|| format!("the late release {}", if released { "frees the key" } else { "does nothing" }));
            }
            Late::End(token, version, epoch) => {
                let left = self.release(token, Entry::Ended { token, version, epoch });
                self.tell(|| {
                    format!("the late end of a load {}", if left { "leaves its answer" } else { "does nothing" })
                });
            }
            Late::Refill(fill, version, stamps) => {
                let stored = self.refill(fill, version, stamps);
                self.tell(|| format!("the late refill {} v{version}", stores(stored)));
            }
            Late::WriteBegin(writer) => {
                self.write_begin(writer);
                self.tell(|| format!("the late marker of writer {writer} arrives"));
            }
            Late::WriteEnd(writer, version, stamps) => {
                let stored = self.write_end(writer, version, stamps);
                self.tell(|| format!("the late end of writer {writer} {} v{version}", stores(stored)));
            }
        }
    }
}

fn stores(stored: bool) -> &'static str {
    if stored { "stores" } else { "cannot store" }
}
