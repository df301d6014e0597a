//! What happens by itself, or by accident.

use crate::reader::Phase;
use crate::step::Step;
use crate::turn::Turn;
use crate::world::{Entry, PROCESSES, Process};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// What the key holds runs out, is evicted, or is deleted by a stranger.
    RunOut,
    TagEvicted,
    EpochEvicted,
    /// A late command arrives.
    Arrive(usize),
    /// A process hears of the epoch that it has asked for.
    Hear(usize),
    /// A process has relied on the epoch for as long as it may.
    ViewEnds(usize),
    Die(usize),
}

impl Turn<'_> {
    pub fn mishaps(&self, steps: &mut Vec<Step>) {
        let world = &self.world;
        let evicts = self.rules.setting.evicts;
        let mut can = |mishap| steps.push(Step::Mishap(mishap));
        match world.key {
            Entry::Absent | Entry::Lease { expires: false, .. } => {}
            Entry::Value(_) if !evicts => {}
            _ => can(Mishap::RunOut),
        }
        if evicts && world.tag.is_some() {
            can(Mishap::TagEvicted);
        }
        if evicts && world.epoch.is_some() {
            can(Mishap::EpochEvicted);
        }
        for (slot, late) in world.late.iter().enumerate() {
            if late.is_some() {
                can(Mishap::Arrive(slot));
            }
        }
        for (index, process) in world.processes.iter().enumerate() {
            if process.asked.is_some() {
                can(Mishap::Hear(index));
            }
            // While it is still the epoch, to ask again is to be told the same.
            if process.view.is_some_and(|view| Some(view) != world.epoch) {
                can(Mishap::ViewEnds(index));
            }
        }
        if world.deaths > 0 {
            for process in 0..PROCESSES {
                if (0..self.rules.setting.readers.len()).any(|reader| self.lives_in(reader, process)) {
                    can(Mishap::Die(process));
                }
            }
        }
    }

    fn lives_in(&self, reader: usize, process: usize) -> bool {
        self.process(reader) == process && !matches!(self.world.readers[reader].phase, Phase::Idle | Phase::Done)
    }

    pub fn suffer(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::RunOut => {
                let what = match self.world.key {
                    Entry::Lease { .. } => "lease",
                    Entry::Marker(_) => "marker",
                    Entry::Ended { .. } => "answer",
                    Entry::Value(_) | Entry::Absent => "value",
                };
                self.delete();
                self.tell(|| format!("the {what} runs out"));
            }
            Mishap::TagEvicted => {
                self.world.tag = None;
                self.tell(|| "the tag's stamp is evicted".to_owned());
            }
            Mishap::EpochEvicted => {
                self.world.epoch = None;
                self.tell(|| "the epoch is evicted".to_owned());
            }
            Mishap::Arrive(slot) => self.arrive(slot),
            Mishap::Hear(process) => {
                self.world.processes[process].view = self.world.processes[process].asked.take();
                self.tell(|| format!("process {process} hears of the epoch"));
            }
            Mishap::ViewEnds(process) => {
                self.world.processes[process].view = None;
                self.tell(|| format!("process {process} no longer relies on the epoch"));
            }
            Mishap::Die(process) => {
                self.world.deaths -= 1;
                self.tell(|| format!("process {process} dies"));
                for reader in 0..self.rules.setting.readers.len() {
                    if self.lives_in(reader, process) {
                        self.world.readers[reader].phase = Phase::Done;
                    }
                }
                self.world.processes[process] = Process::default();
            }
        }
    }
}
