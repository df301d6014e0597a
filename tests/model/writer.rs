//! Writers: each commits one version and takes the older ones out of the cache.

use crate::late::Late;
use crate::mutation::Mutation;
use crate::step::Step;
use crate::turn::Turn;
use crate::world::{Entry, Stamps, Version};

/// What a writer does about the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Deletes the key after the commit.
    Invalidate,
    /// Any other program that does so: a script, another language, `redis-cli`.
    Foreign,
    /// Sets a marker before the commit, and deletes the key after it.
    TwoPhase,
    /// Sets a marker before the commit, and puts the value in its place after it.
    WriteThrough,
    /// Deletes the tag's stamp after the commit.
    InvalidateTag,
    /// Deletes the epoch after the commit, and waits until nobody relies on it any more.
    Clear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    pub phase: Phase,
    /// What its value will carry: read when the marker was set.
    pub stamps: Stamps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    Idle,
    /// Has set its marker; `answered`: and the store has said so.
    Begun {
        answered: bool,
    },
    Committed {
        version: Version,
        answered: bool,
    },
    /// Has deleted the epoch.
    Clearing {
        version: Version,
    },
    Done,
}

/// What a writer does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Begin,
    BeginLate,
    Commit,
    Finish,
    FinishLate,
    /// A clear has waited long enough.
    Complete,
    Die,
}

impl Writer {
    pub const IDLE: Self = Self { phase: Phase::Idle, stamps: Stamps { tag: None, epoch: None } };
}

impl Turn<'_> {
    fn kind(&self, writer: usize) -> Kind {
        self.rules.setting.writers[writer]
    }

    fn marks(&self, writer: usize) -> bool {
        matches!(self.kind(writer), Kind::TwoPhase | Kind::WriteThrough) && !self.without(Mutation::PutWithoutMarker)
    }

    /// Writers of one kind are alike, so they begin in order.
    fn may_begin(&self, writer: usize) -> bool {
        (0..writer).all(|other| self.kind(other) != self.kind(writer) || self.world.writers[other].phase != Phase::Idle)
    }

    /// What this writer can do now.
    pub fn deeds(&self, writer: usize, steps: &mut Vec<Step>) {
        let mut can = |deed| steps.push(Step::Writer(writer, deed));
        let phase = self.world.writers[writer].phase;
        let may_give_up = self.world.timeouts > 0 && self.has_room();
        match phase {
            Phase::Idle if !self.may_begin(writer) => {}
            Phase::Idle if self.without(Mutation::InvalidateBeforeCommit) => can(Deed::Finish),
            Phase::Idle if self.marks(writer) => {
                can(Deed::Begin);
                if may_give_up {
                    can(Deed::BeginLate);
                }
            }
            Phase::Idle => can(Deed::Commit),
            Phase::Begun { .. } => can(Deed::Commit),
            Phase::Committed { .. } => {
                can(Deed::Finish);
                if may_give_up && self.kind(writer) == Kind::WriteThrough {
                    can(Deed::FinishLate);
                }
            }
            Phase::Clearing { .. } => can(Deed::Complete),
            Phase::Done => {}
        }
        if self.world.deaths > 0 && !matches!(phase, Phase::Idle | Phase::Done) {
            can(Deed::Die);
        }
    }

    pub fn write(&mut self, writer: usize, deed: Deed) {
        match deed {
            Deed::Begin => {
                self.write_begin(writer);
                self.tell(|| format!("writer {writer} sets its marker"));
                self.stamp(writer);
                self.world.writers[writer].phase = Phase::Begun { answered: true };
            }
            Deed::BeginLate => {
                self.give_up(Late::WriteBegin(writer));
                self.tell(|| format!("writer {writer}'s marker times out"));
                if self.without(Mutation::WriteEndUnanswered) {
                    self.stamp(writer);
                }
                self.world.writers[writer].phase = Phase::Begun { answered: false };
            }
            Deed::Commit => self.commit(writer),
            Deed::Finish => self.end_write(writer),
            Deed::FinishLate => {
                if let Phase::Committed { version, answered: true } = self.world.writers[writer].phase {
                    self.give_up(Late::WriteEnd(writer, version, self.world.writers[writer].stamps));
                }
                // A deletion that arrives late is no other than running out.
                self.tell(|| format!("writer {writer}'s end times out"));
                self.done(writer);
            }
            Deed::Complete => {
                if let Phase::Clearing { version } = self.world.writers[writer].phase {
                    self.views_end();
                    self.tell(|| format!("the clear of writer {writer} is complete"));
                    self.completed(version);
                    self.done(writer);
                }
            }
            Deed::Die => {
                self.world.deaths -= 1;
                self.tell(|| format!("writer {writer} dies"));
                self.done(writer);
            }
        }
    }

    fn done(&mut self, writer: usize) {
        self.world.writers[writer] = Writer { phase: Phase::Done, ..Writer::IDLE };
    }

    /// A written value carries the stamps from before its marker.
    fn stamp(&mut self, writer: usize) {
        if self.kind(writer) == Kind::WriteThrough {
            let tag = self.rules.setting.tagged.then(|| self.tag());
            let view = self.world.processes[0].view;
            let epoch = self.rules.setting.clearable.then(|| view.unwrap_or_else(|| self.epoch()));
            self.world.writers[writer].stamps = Stamps { tag, epoch };
        }
    }

    fn commit(&mut self, writer: usize) {
        self.world.committed += 1;
        let version = self.world.committed;
        self.tell(|| format!("writer {writer} commits v{version}"));
        // A marker that stands hides what is older from the commit on, not only from the end on.
        if self.world.key == Entry::Marker(writer) {
            self.completed(version);
        }
        if self.without(Mutation::InvalidateBeforeCommit) {
            self.completed(version);
            self.done(writer);
            return;
        }
        let answered = self.world.writers[writer].phase == Phase::Begun { answered: true };
        self.world.writers[writer].phase = Phase::Committed { version, answered };
    }

    /// After the commit: what is older goes.
    fn end_write(&mut self, writer: usize) {
        let Writer { phase, stamps } = self.world.writers[writer];
        let Phase::Committed { version, answered } = phase else {
            self.invalidate(writer);
            self.world.writers[writer].phase = Phase::Begun { answered: false };
            return;
        };
        match self.kind(writer) {
            Kind::Clear => {
                self.world.epoch = None;
                self.tell(|| format!("writer {writer} deletes the epoch"));
                self.world.writers[writer].phase = Phase::Clearing { version };
                return;
            }
            Kind::WriteThrough if self.without(Mutation::PutWithoutMarker) => {
                self.revoke();
                self.world.key = Entry::Value(self.value(version, stamps));
                self.tell(|| format!("writer {writer} stores v{version}"));
            }
            // A value whose marker may not have been there could be the older one of two.
            Kind::WriteThrough if answered || self.without(Mutation::WriteEndUnanswered) => {
                let stored = self.write_end(writer, version, stamps);
                let left = self.without(Mutation::MarkerKeptOnMismatch);
                self.tell(|| match (stored, left) {
                    (true, _) => format!("writer {writer} stores v{version}"),
                    (false, true) => format!("writer {writer} does not find its marker"),
                    (false, false) => format!("writer {writer} does not find its marker and deletes"),
                });
            }
            _ => self.invalidate(writer),
        }
        self.completed(version);
        self.done(writer);
    }

    fn invalidate(&mut self, writer: usize) {
        match self.kind(writer) {
            Kind::InvalidateTag => {
                self.world.tag = None;
                self.tell(|| format!("writer {writer} invalidates the tag"));
            }
            kind => {
                let spares = self.without(Mutation::InvalidateValueOnly)
                    && kind != Kind::Foreign
                    && !matches!(self.world.key, Entry::Value(_));
                if !spares {
                    self.delete();
                }
                let whom = if kind == Kind::Foreign { "another program" } else { "writer" };
                self.tell(|| format!("{whom} {writer} invalidates"));
            }
        }
    }

    /// A lease on the epoch has passed since it was deleted. Whatever was asked before that, nobody relies on it now, nor
    /// on an answer that is still to come.
    fn views_end(&mut self) {
        if self.without(Mutation::ClearWithoutWait) {
            return;
        }
        let epoch = self.world.epoch;
        let from_answer = self.without(Mutation::EpochTimedFromAnswer);
        for process in &mut self.world.processes {
            process.view = process.view.filter(|view| Some(*view) == epoch);
            process.asked = process.asked.filter(|asked| Some(*asked) == epoch || from_answer);
        }
    }
}
