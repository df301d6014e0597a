//! A reader's looks: from the call to a value, to a lease, or to somebody to wait for.

use crate::late::Late;
use crate::mutation::Mutation;
use crate::name::Sort;
use crate::reader::Phase;
use crate::turn::Turn;
use crate::world::{Entry, FillId, Stamps, Token, Value, Version};

impl Turn<'_> {
    /// Reads the stamps, and makes those that are missing.
    pub fn ask(&mut self, reader: usize, heard: bool) {
        self.come(reader);
        let process = self.process(reader);
        let setting = self.rules.setting;
        let this = &self.world.readers[reader];
        if this.leads && matches!(this.phase, Phase::Looking | Phase::Waiting { .. }) {
            self.begin(reader);
        }
        if setting.tagged {
            let missing = self.world.tag.is_none();
            let tag = self.tag();
            self.world.readers[reader].stamps.tag = Some(tag);
            self.tell(|| format!("reader {reader} {} the tag's stamp", if missing { "makes" } else { "reads" }));
        }
        if setting.clearable {
            // The process relies on what it has read until its view ends, so not every look is a question.
            let view = self.world.processes[process].view;
            let missing = self.world.epoch.is_none();
            let epoch = view.unwrap_or_else(|| self.epoch());
            if heard {
                self.world.processes[process].view = Some(epoch);
            } else {
                self.world.timeouts -= 1;
                self.world.processes[process].asked = Some(epoch);
            }
            self.world.readers[reader].stamps.epoch = Some(epoch);
            self.tell(|| match (view, missing) {
                (Some(_), _) => format!("reader {reader} relies on the epoch"),
                (None, true) => format!("reader {reader} makes an epoch"),
                (None, false) => format!("reader {reader} reads the epoch"),
            });
        }
        match self.world.readers[reader].phase {
            Phase::Seen(Entry::Value(value)) if self.of_now(value.stamps, self.world.readers[reader].stamps) => {
                self.hit(reader, value.version);
            }
            Phase::Looking | Phase::Waiting { .. } => {
                self.world.readers[reader].phase = Phase::Looking;
                self.world.readers[reader].asked = true;
            }
            _ => {}
        }
    }

    /// What this reader would know if it looked now.
    pub fn known(&self, reader: usize) -> Stamps {
        self.world.readers[reader].stamps
    }

    /// A token for one acquisition.
    fn token(&self, reader: usize) -> Token {
        if self.without(Mutation::TokenPerProcess) {
            Token::try_from(self.process(reader)).expect("few processes")
        } else {
            self.world.fresh(Sort::Token)
        }
    }

    fn get_or_acquire(&mut self, reader: usize) -> (Token, Entry) {
        self.come(reader);
        let this = &self.world.readers[reader];
        // With stamps the look has begun when those were read.
        if this.leads && !this.asked {
            self.begin(reader);
        }
        let token = self.token(reader);
        (token, self.acquire(token))
    }

    pub fn look(&mut self, reader: usize) {
        let (token, held) = self.get_or_acquire(reader);
        let stamps = self.known(reader);
        match held {
            Entry::Absent => {
                self.tell(|| format!("reader {reader} acquires"));
                self.lead(reader, Some(token));
                if self.without(Mutation::RetriedAcquire) {
                    self.send_late(Late::Acquire(token));
                }
            }
            Entry::Value(value) if self.knows(stamps) && self.of_now(value.stamps, stamps) => {
                self.hit(reader, value.version);
            }
            Entry::Value(_) | Entry::Ended { .. } => {
                self.tell(|| match held {
                    Entry::Value(value) => format!("reader {reader} finds v{}, of other stamps", value.version),
                    _ => format!("reader {reader} finds an ended load"),
                });
                self.world.readers[reader].phase = Phase::Seen(held);
            }
            Entry::Lease { token, .. } => self.wait(reader, token),
            Entry::Marker(writer) => {
                self.tell(|| format!("reader {reader} sees the marker of writer {writer}"));
                self.lead_unleased(reader);
            }
        }
    }

    pub fn look_impatiently(&mut self, reader: usize) {
        self.get_or_acquire(reader);
        self.tell(|| format!("reader {reader} does not wait for the lease"));
        self.lead_unleased(reader);
    }

    pub fn look_in_vain(&mut self, reader: usize) {
        self.come(reader);
        let token = self.token(reader);
        self.give_up(Late::Acquire(token));
        self.tell(|| format!("reader {reader}'s acquisition times out"));
        self.lead_unleased(reader);
    }

    /// A value to return, to its own caller and to those who wait for it.
    fn hit(&mut self, reader: usize, version: Version) {
        self.tell(|| format!("reader {reader} finds v{version}"));
        if self.world.readers[reader].leads {
            self.world.readers[reader].phase = Phase::Landing { version, accepted: false };
        } else {
            self.finish(reader, version);
        }
    }

    /// On behalf of its process.
    fn wait(&mut self, reader: usize, lease: Token) {
        let process = self.process(reader);
        let this = &mut self.world.readers[reader];
        if !this.leads {
            this.leads = true;
            self.world.processes[process].flight = Some(reader);
        }
        let this = &mut self.world.readers[reader];
        this.phase = Phase::Waiting { lease };
        this.asked = false;
        this.early = 0;
        self.tell(|| format!("reader {reader} waits"));
    }

    /// What a reader that has waited for `lease` takes as it is: a value of now, or the answer of that very load.
    pub fn adoptable(&self, reader: usize, lease: Token) -> Option<(Version, Stamps)> {
        let known = self.known(reader);
        if let Some(value) = self.fits(known).filter(|_| self.knows(known)) {
            return Some((value.version, value.stamps));
        }
        let Entry::Ended { token, version, epoch } = self.world.key else { return None };
        // The key says whether the load's lease was revoked since it began. Of tags it knows nothing.
        let untagged = !self.rules.setting.tagged || self.without(Mutation::AdoptTaggedAbsence);
        let same_epoch = epoch == known.epoch || self.without(Mutation::AdoptClearedAbsence);
        (token == lease && untagged && same_epoch).then_some((version, Stamps { tag: None, epoch }))
    }

    pub fn wake(&mut self, reader: usize) {
        let Phase::Waiting { lease } = self.world.readers[reader].phase else { return };
        self.begin(reader);
        let Some((version, stamps)) = self.adoptable(reader, lease) else { return };
        self.tell(|| format!("reader {reader} wakes and finds v{version}"));
        if self.may_share(reader, stamps) {
            self.world.readers[reader].phase = Phase::Landing { version, accepted: false };
        } else {
            self.abandon(reader);
            self.finish(reader, version);
        }
    }

    /// Whether those who wait for this reader may have what it found. It read its stamps before it waited, and they may
    /// have come since.
    fn may_share(&self, reader: usize, stamps: Stamps) -> bool {
        let setting = &self.rules.setting;
        let view = self.world.processes[self.process(reader)].view;
        let stands = !setting.tagged && (!setting.clearable || view.is_some() && view == stamps.epoch);
        stands || self.without(Mutation::ShareUnasked)
    }

    pub fn take_over_seen(&mut self, reader: usize) {
        let Phase::Seen(seen) = self.world.readers[reader].phase else { return };
        let token = self.token(reader);
        if self.take_over(seen, token) {
            self.tell(|| format!("reader {reader} takes over"));
            self.lead(reader, Some(token));
        } else {
            self.look_again(reader);
        }
    }

    /// Returns the value at once, and loads what is to replace it.
    pub fn find_and_refresh(&mut self, reader: usize) {
        self.come(reader);
        let Some(Value { version, fill, .. }) = self.fits(self.known(reader)) else { return };
        self.tell(|| format!("reader {reader} finds v{version} and refreshes it"));
        let floor = self.world.readers[reader].floor;
        self.returned(version, floor);
        self.refresh(reader, fill);
    }

    fn refresh(&mut self, reader: usize, fill: FillId) {
        self.world.readers[reader].phase = Phase::Refreshing { fill, read: None };
    }

    /// Without a lease, unless somebody else of this process loads by now.
    fn lead_unleased(&mut self, reader: usize) {
        let leads = self.world.readers[reader].leads;
        if !leads && self.flight(reader).is_some_and(|other| other != reader) {
            self.look_again(reader);
        } else {
            self.lead(reader, None);
        }
    }
}
