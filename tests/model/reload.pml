/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A cluster reload over a store that compares and sets. atomic{} is one
 * transaction of the store, or something that a node does by itself.
 *
 * N nodes; two requests for the same module race. Nodes crash and come back
 * without what they had in memory, one may be gone for good; requests are late
 * and are sent again when their answer was lost; versions are refused. All of
 * that happens a bounded number of times, so every run ends: where nothing can
 * happen any more, everything must be settled.
 *
 * STRAT: 0 sync_all, 1 quorum, 2 rolling (the canary is node 0), 3 rolling, where
 * node 1 may find the canary no good and takes it back, by a transaction of its own,
 * the third. MUT_...: a broken protocol, in which something below must fail.
 */
#define N 3
#ifndef STRAT
#define STRAT 0
#endif
#if STRAT == 3
#define T 3
#else
#define T 2
#endif
#define REVERT 3
#define ROLLING (STRAT >= 2)
#ifndef TROUBLE
#define TROUBLE 1 /* how often something goes wrong */
#endif
#define NONE 0
#define COMMIT 1
#define ABORT 2
#define YES 1
#define NO 2
#define NOTHING 0
#define BEGIN 1
#define VOTE 2
#define DECISION 3

byte lock_ = 0;         /* the transaction that holds the module; 0: free */
byte gen = 0;           /* epoch of what is agreed */
byte dtx = 0;           /* transaction that agreed on it */
byte wave = 0;          /* nodes of this wave and earlier ones apply it */
byte reverts = 0;       /* the transaction that the third one takes back */
byte dec[T + 1];
byte ndec[T + 1];
byte base[T + 1];       /* epoch that it was built on */
bool spec[T + 1];
byte vote[(T + 1) * N];
byte agen[N];           /* epoch applied by a node; outlives a crash */
byte atx[N];
bool gone[N];
byte trouble = 0;          /* what has gone wrong so far: crashes, refusals, lost answers */

#define waveof(i) ((i) == 0 -> 0 : 1)

inline count (t)
{
  yes = (vote[t * N] == YES) + (vote[t * N + 1] == YES) + (vote[t * N + 2] == YES)
}

#if STRAT == 1
#define just (yes * 2 > N)
#else
#define just (yes == N)
#endif
#ifdef MUT_HALF
#define enough (yes >= 1)
#else
#define enough just
#endif

/* On its way to the store. */
inline send_vote (t)
{
  atomic {
    spec[t] && dec[t] == NONE && vote[t * N + i] == NONE && sent == NOTHING ->
    sent = VOTE; st = t;
    if
    :: prep = t; sv = YES
    :: trouble < TROUBLE -> trouble++; sv = NO
    fi
  }
}

/* On its way to the store, from what was seen. A deadline can pass at any time. */
#ifdef MUT_NORECOVER
#define may_decide(t) (i == (t == REVERT -> 1 : t - 1))
#else
#define may_decide(t) true
#endif
inline send_decision (t)
{
  atomic {
    spec[t] && dec[t] == NONE && sent == NOTHING && may_decide (t) ->
    count (t);
    sent = DECISION; st = t;
    if
    :: enough -> sv = COMMIT
    :: sv = ABORT
    fi; yes = 0
  }
}

/* What the store compares. */
#ifdef MUT_NOLOCK
#define if_free true
#else
#define if_free (lock_ == 0)
#endif
#ifdef MUT_STALE
#define if_same true
#else
#define if_same (gen == sv)
#endif
#ifdef MUT_TWICE
#define if_new true
#else
#define if_new (!spec[st])
#endif
#ifdef MUT_LATEVOTE
#define if_open true
#else
#define if_open (dec[st] == NONE && lock_ == st)
#endif
#ifdef MUT_NOCAS
#define if_undecided true
#else
#define if_undecided (dec[st] == NONE && lock_ == st)
#endif

/* A roll-back is for a canary that is still what was agreed on. */
#ifdef MUT_REVERTANY
#define if_still_agreed true
#else
#define if_still_agreed (dtx == bad)
#endif

inline forget ()
{
  sent = NOTHING; st = 0; sv = 0
}

/* It is told what became of it; or that is lost, and it sends the same again. */
inline answer ()
{
  if
  :: forget ()
  :: trouble < TROUBLE -> trouble++
  fi
}

proctype Node (byte i)
{
  byte prep = 0;        /* in memory: the transaction whose version is prepared here */
  byte sent = NOTHING;  /* what is on its way to the store, of which transaction, and what it says */
  byte st = 0, sv = 0;
  byte ct = 0, cg = 0;  /* what is being applied, as it was seen */
  byte yes = 0;
#if STRAT == 3
  byte bad = 0;         /* transaction whose canary was found no good; of node 1 */
#endif

end:
  do
  :: gone[i] -> break
  :: atomic { trouble < TROUBLE -> trouble++; prep = 0; ct = 0; cg = 0;
       if :: forget () :: skip fi }            /* what was sent may still arrive */
  :: atomic { i == 0 && trouble < TROUBLE && !gone[0] && spec[1] -> trouble++; gone[0] = true; forget ();
       prep = 0; ct = 0; cg = 0 }

  /* begin: node 0 asks for transaction 1, node 1 for 2, from what it sees; it looks
   * again if that was too late */
  :: atomic { i < 2 && !spec[i + 1] && lock_ == 0 && sent == NOTHING -> sent = BEGIN; st = i + 1; sv = gen }
#if STRAT == 3
  :: atomic { i == 1 && bad == 0 && gen > 0 && dtx != REVERT && wave == 0 && agen[0] == gen && !spec[REVERT] ->
       bad = dtx }
  :: atomic { bad != 0 && lock_ == 0 && !spec[REVERT] && sent == NOTHING ->
       if
       :: if_still_agreed -> sent = BEGIN; st = REVERT; sv = gen
       :: else -> bad = 0
       fi }
  :: send_vote (REVERT)
  :: send_decision (REVERT)
#endif
  :: send_vote (1)
  :: send_vote (2)
#ifdef MUT_REVOTE
  :: atomic { spec[1] && vote[N + i] == YES && trouble < TROUBLE -> trouble++; vote[N + i] = NO }
#endif

  :: send_decision (1)
  :: send_decision (2)
  /* it arrives */
  :: atomic {
       sent == BEGIN ->
       if
       :: if_free && if_same && if_new ->
          assert (lock_ == 0);
          assert (!spec[st]);                  /* once */
          spec[st] = true; lock_ = st; base[st] = sv;
#if STRAT == 3
          if :: st == REVERT -> reverts = bad; bad = 0 :: else fi
#endif
       :: else
       fi;
       answer ()
     }
  :: atomic {
       sent == VOTE ->
       if
       :: vote[st * N + i] == NONE && if_open ->
          assert (dec[st] == NONE);            /* what was decided on stays as it was */
          vote[st * N + i] = sv
       :: else
       fi;
       answer ()
     }
  :: atomic {
       sent == DECISION ->
       if
       :: if_undecided ->
          dec[st] = sv; ndec[st]++;
          assert (ndec[st] <= 1);              /* once */
          assert (lock_ == st);
          if
          :: sv == COMMIT ->
             count (st);
             assert (just); yes = 0;
             assert (gen == base[st]);         /* serial */
             assert (st != REVERT || dtx == reverts); /* nothing else is taken back */
             gen++; dtx = st; wave = (ROLLING && st != REVERT -> 0 : 1)
          :: else
          fi;
          lock_ = 0
       :: else
       fi;
       answer ()
     }

  /* towards what is agreed: look, prepare if that was not done here, apply */
  :: atomic { agen[i] < gen && ct == 0 && waveof (i) <= wave -> ct = dtx; cg = gen }
#ifdef MUT_WAVEJUMP
  :: atomic { agen[i] < gen && ct == 0 -> ct = dtx; cg = gen }
#endif
  :: atomic { ct != 0 && prep != ct ->
       if :: prep = ct :: trouble < TROUBLE -> trouble++; ct = 0; cg = 0 fi }
#ifdef MUT_NOGATE
  :: atomic { ct != 0 ->
#else
  :: atomic { ct != 0 && prep == ct ->
#endif
       assert (prep == ct);                    /* laggard gate */
       assert (dec[ct] == COMMIT);             /* noswap */
       assert (cg > agen[i]);                  /* monotonic */
       assert (waveof (i) <= wave || cg < gen);
       agen[i] = cg; atx[i] = ct; prep = 0; ct = 0; cg = 0 }
#ifdef MUT_EARLY
  :: atomic { prep != 0 && agen[i] == gen && dec[prep] == NONE -> assert (dec[prep] == COMMIT) }
#endif
  :: atomic { ROLLING && lock_ == 0 && gen > 0 && wave == 0 && (agen[0] == gen || gone[0]) -> wave = 1 }
  od
}

/* Nothing more can happen. */
active proctype Settled ()
{
  timeout ->
  assert (lock_ == 0);
  assert (!spec[1] || dec[1] != NONE);
  assert (!spec[2] || dec[2] != NONE);
#if STRAT == 3
  assert (!spec[REVERT] || dec[REVERT] != NONE);
#endif
  assert (gone[0] || agen[0] == gen);
  assert (agen[1] == gen && agen[2] == gen);
  assert (gen == 0 || atx[1] == dtx)
}

init
{
  atomic { run Node (0); run Node (1); run Node (2) }
}
