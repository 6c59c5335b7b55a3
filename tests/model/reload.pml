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
 * STRAT: 0 sync_all, 1 quorum, 2 rolling (the canary is node 0). MUT_...: a
 * broken protocol, in which something below must fail.
 */
#define N 3
#define T 2
#ifndef STRAT
#define STRAT 0
#endif
#ifndef TROUBLE
#define TROUBLE 1 /* how often something goes wrong */
#endif
#define NONE 0
#define COMMIT 1
#define ABORT 2
#define YES 1
#define NO 2

byte lock_ = 0;         /* the transaction that holds the module; 0: free */
byte gen = 0;           /* epoch of what is agreed */
byte dtx = 0;           /* transaction that agreed on it */
byte wave = 0;          /* nodes of this wave and earlier ones apply it */
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

inline try_vote (t)
{
  atomic {
    spec[t] && dec[t] == NONE && lock_ == t && vote[t * N + i] == NONE ->
    if
    :: prep = t; vote[t * N + i] = YES
    :: trouble < TROUBLE -> trouble++; vote[t * N + i] = NO
    fi
  }
}

/* On its way to the store, from what was seen. A deadline can pass at any time. */
#ifdef MUT_NORECOVER
#define may_decide(t) (i == t - 1)
#else
#define may_decide(t) true
#endif
inline send_decision (t)
{
  atomic {
    spec[t] && dec[t] == NONE && pt == 0 && may_decide (t) ->
    count (t);
    if
    :: enough -> pt = t; pv = COMMIT
    :: pt = t; pv = ABORT
    fi; yes = 0
  }
}

proctype Node (byte i)
{
  byte prep = 0;        /* in memory: the transaction whose version is prepared here */
  byte pt = 0, pv = 0;  /* a decision that is on its way */
  byte ct = 0, cg = 0;  /* what is being applied, as it was seen */
  byte yes = 0;

end:
  do
  :: gone[i] -> break
  :: atomic { trouble < TROUBLE -> trouble++; prep = 0; ct = 0; cg = 0;
       if :: pt = 0 :: skip fi }               /* what was sent may still arrive */
  :: atomic { i == 0 && trouble < TROUBLE && !gone[0] && spec[1] -> trouble++; gone[0] = true; pt = 0; prep = 0;
       ct = 0; cg = 0 }

  /* begin: node 0 asks for transaction 1, node 1 for 2 */
#ifdef MUT_NOLOCK
  :: atomic { i < T && !spec[i + 1] -> assert (lock_ == 0); spec[i + 1] = true; lock_ = i + 1; base[i + 1] = gen }
#else
  :: atomic { i < T && !spec[i + 1] && lock_ == 0 -> spec[i + 1] = true; lock_ = i + 1; base[i + 1] = gen }
#endif

  :: try_vote (1)
  :: try_vote (2)
#ifdef MUT_REVOTE
  :: atomic { spec[1] && vote[N + i] == YES && trouble < TROUBLE -> trouble++; vote[N + i] = NO }
#endif

  :: send_decision (1)
  :: send_decision (2)
  /* it arrives */
  :: atomic {
       pt != 0 ->
       if
#ifdef MUT_NOCAS
       :: true ->
#else
       :: dec[pt] == NONE && lock_ == pt ->
#endif
          dec[pt] = pv; ndec[pt]++;
          assert (ndec[pt] <= 1);              /* once */
          assert (lock_ == pt);
          if
          :: pv == COMMIT ->
             count (pt);
             assert (just); yes = 0;
             assert (gen == base[pt]);         /* serial */
             gen++; dtx = pt; wave = (STRAT == 2 -> 0 : 1)
          :: else
          fi;
          lock_ = 0
       :: else
       fi;
       if
       :: pt = 0; pv = 0
       :: trouble < TROUBLE -> trouble++                 /* the answer is lost: sent again */
       fi
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
  :: atomic { STRAT == 2 && lock_ == 0 && gen > 0 && wave == 0 && (agen[0] == gen || gone[0]) -> wave = 1 }
  od
}

/* Nothing more can happen. */
active proctype Settled ()
{
  timeout ->
  assert (lock_ == 0);
  assert (!spec[1] || dec[1] != NONE);
  assert (!spec[2] || dec[2] != NONE);
  assert (gone[0] || agen[0] == gen);
  assert (agen[1] == gen && agen[2] == gen);
  assert (gen == 0 || atx[1] == dtx)
}

init
{
  atomic { run Node (0); run Node (1); run Node (2) }
}
