//! A reader's load: from the right to run the body to the fill.

use crate::late::Late;
use crate::reader::Phase;
use crate::turn::Turn;
use crate::world::{Entry, Token};

impl Turn<'_> {
    /// Loads for itself and for those who follow.
    pub fn lead(&mut self, reader: usize, lease: Option<Token>) {
        let process = self.process(reader);
        let this = &mut self.world.readers[reader];
        if !this.leads {
            this.leads = true;
            // In place of any other: whoever follows that one goes on doing so.
            self.world.processes[process].flight = Some(reader);
        }
        let this = &mut self.world.readers[reader];
        this.phase = Phase::Loading { lease, read: None };
        this.holder = lease.is_some();
        this.asked = false;
        self.begin(reader);
    }

    /// Reads the database.
    pub fn load(&mut self, reader: usize) {
        let version = self.world.committed;
        if let Phase::Loading { read, .. } | Phase::Refreshing { read, .. } = &mut self.world.readers[reader].phase {
            *read = Some(version);
        }
        self.tell(|| format!("reader {reader} reads v{version}"));
    }

    pub fn keep(&mut self, reader: usize) {
        let Phase::Loading { lease: Some(token), .. } = self.world.readers[reader].phase else { return };
        self.renew(token);
        self.tell(|| format!("reader {reader} renews"));
    }

    pub fn store(&mut self, reader: usize) {
        let Phase::Loading { lease: Some(token), read: Some(version) } = self.world.readers[reader].phase else {
            return;
        };
        let accepted = self.fill(token, version, self.world.readers[reader].stamps);
        self.tell(|| format!("reader {reader} {} v{version}", if accepted { "fills" } else { "cannot fill" }));
        self.loaded(reader, Phase::Landing { version, accepted });
    }

    /// The fill may arrive later. The release that follows it may as well, which is no other than running out.
    pub fn store_in_vain(&mut self, reader: usize) {
        let Phase::Loading { lease: Some(token), read: Some(version) } = self.world.readers[reader].phase else {
            return;
        };
        self.give_up(Late::Fill(token, version, self.world.readers[reader].stamps));
        self.tell(|| format!("reader {reader}'s fill times out"));
        self.loaded(reader, Phase::Landing { version, accepted: false });
    }

    /// There is an answer, and nothing to store.
    pub fn end(&mut self, reader: usize) {
        let Phase::Loading { lease: Some(token), read: Some(version) } = self.world.readers[reader].phase else {
            return;
        };
        let epoch = self.world.readers[reader].stamps.epoch;
        let accepted = self.release(token, Entry::Ended { token, version, epoch });
        let gone = if accepted { "" } else { ", which is gone" };
        self.tell(|| format!("reader {reader} has nothing to store and gives its lease back{gone}"));
        self.loaded(reader, Phase::Landing { version, accepted });
    }

    pub fn end_in_vain(&mut self, reader: usize) {
        let Phase::Loading { lease: Some(token), read: Some(version) } = self.world.readers[reader].phase else {
            return;
        };
        self.give_up(Late::End(token, version, self.world.readers[reader].stamps.epoch));
        self.tell(|| format!("reader {reader} has nothing to store, and giving its lease back times out"));
        self.loaded(reader, Phase::Landing { version, accepted: false });
    }

    fn loaded(&mut self, reader: usize, landing: Phase) {
        let this = &mut self.world.readers[reader];
        this.phase = landing;
        this.holder = false;
    }

    /// The load is dropped, and its guard gives the lease back.
    pub fn cancel(&mut self, reader: usize) {
        self.world.deaths -= 1;
        self.tell(|| format!("reader {reader} is cancelled"));
        if let Phase::Loading { lease: Some(token), .. } = self.world.readers[reader].phase {
            self.send_late(Late::Release(token));
        }
        self.abandon(reader);
        self.world.readers[reader].phase = Phase::Done;
    }

    pub fn store_refreshed(&mut self, reader: usize) {
        let Phase::Refreshing { fill, read: Some(version) } = self.world.readers[reader].phase else { return };
        let accepted = self.refill(fill, version, self.world.readers[reader].stamps);
        self.tell(|| format!("reader {reader} {} v{version}", if accepted { "refills" } else { "cannot refill" }));
        self.world.readers[reader].phase = Phase::Done;
    }

    pub fn store_refreshed_in_vain(&mut self, reader: usize) {
        let Phase::Refreshing { fill, read: Some(version) } = self.world.readers[reader].phase else { return };
        self.give_up(Late::Refill(fill, version, self.world.readers[reader].stamps));
        self.tell(|| format!("reader {reader}'s refill times out"));
        self.world.readers[reader].phase = Phase::Done;
    }
}
