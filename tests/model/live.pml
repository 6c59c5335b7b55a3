/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * That a cluster reload ends, whatever happens: reload.pml says what must never
 * be, this one what has to come about at last. Processes are treated fairly (who
 * can go on, does so at some time); nothing more is assumed of time.
 *
 * A node sleeps until its watch tells it of a change, and any such news may be lost;
 * so it wakes up by itself too, now and then. Requests and answers get lost, nodes
 * crash, one is gone for good, preparing fails: each of these so often as TROUBLE
 * says, all together.
 *
 * STRAT: 0 sync_all, 1 quorum, 2 rolling (the canary is node 0). MUT_...: a
 * broken protocol, in which one of the formulas below must fail.
 */
#ifndef N
#define N 3
#endif
#define T 1
#ifndef STRAT
#define STRAT 0
#endif
#ifndef TROUBLE
#define TROUBLE 2
#endif
#define NONE 0
#define COMMIT 1
#define ABORT 2
#define YES 1
#define NO 2

bool spec = false, lock_ = false, expired = false;
byte dec = NONE;
byte gen = 0;           /* 1: it is agreed */
byte wave = 0;
byte vote[N];
byte agen[N];
bool awake[N];
bool gone[N];
byte trouble = 0;

#define yeses ((vote[0] == YES) + (vote[1] == YES) + (vote[2] == YES))
#define refused (vote[0] == NO || vote[1] == NO || vote[2] == NO)
#if STRAT == 1
#define enough (yeses * 2 > N)
#define hopeless ((vote[0] == NO) + (vote[1] == NO) + (vote[2] == NO) >= 2)
#else
#define enough (yeses == N)
#define hopeless refused
#endif
#define waveof(i) ((i) == 0 -> 0 : 1)
#define something_goes_wrong (trouble < TROUBLE)

/* Every node is told, or some are not. */
inline tell ()
{
  if :: awake[0] = true :: skip fi;
  if :: awake[1] = true :: skip fi;
  if :: awake[2] = true :: skip fi
}

#ifdef MUT_NORECOVER
#define may_decide (i == 0)
#else
#define may_decide true
#endif
#define can_decide (may_decide && spec && dec == NONE && !sent && (enough || hopeless || expired))
#define can_vote (spec && dec == NONE && vote[i] == NONE && !told)
#define can_apply (agen[i] < gen && waveof (i) <= wave && !gave_up)
#ifdef MUT_STUCKWAVE
#define may_steer (i == 0)
#else
#define may_steer true
#endif
#define can_steer (may_steer && STRAT == 2 && gen > 0 && wave == 0 && (agen[0] == gen || gone[0]))

proctype Node (byte i)
{
  bool prepared = false; /* in memory */
  bool told = false;     /* a vote is on its way */
  bool sent = false;     /* a decision is */
  bool gave_up = false;

end:
  do
  :: atomic { gone[i] -> break }
  :: atomic { !gone[i] && something_goes_wrong -> trouble++; prepared = false; told = false; sent = false;
       gave_up = false; awake[i] = true }      /* it crashes, and looks at everything when it is back */
  :: atomic { i == 0 && spec && something_goes_wrong -> trouble++; gone[0] = true }

  :: atomic { !gone[i] && i == 0 && !spec -> spec = true; lock_ = true; tell () }

  /* a vote: on its way; made, and the answer comes; made, and it does not; lost */
  :: atomic { !gone[i] && awake[i] && can_vote -> told = true }
  :: atomic { !gone[i] && told ->
       if
       :: dec == NONE && vote[i] == NONE ->
          if :: vote[i] = YES; prepared = true :: something_goes_wrong -> trouble++; vote[i] = NO fi;
          told = false; tell ()
       :: dec == NONE && vote[i] == NONE && something_goes_wrong -> trouble++; vote[i] = YES; prepared = true;
          tell ()
#ifdef MUT_NORETRY
       :: something_goes_wrong -> trouble++; goto stuck
#else
       :: something_goes_wrong -> trouble++; told = false
#endif
       :: dec != NONE || vote[i] != NONE -> told = false
       fi }

  :: atomic { !gone[i] && awake[i] && can_decide -> sent = true }
  :: atomic { !gone[i] && sent ->
       if
       :: dec == NONE ->
          if
          :: enough -> dec = COMMIT; gen = 1; wave = (STRAT == 2 -> 0 : 1)
          :: !enough -> dec = ABORT
          fi;
#ifndef MUT_KEEPLOCK
          lock_ = false;
#endif
          sent = false; tell ()
       :: dec != NONE -> sent = false
#ifdef MUT_NORETRY
       :: something_goes_wrong -> trouble++; goto stuck
#else
       :: something_goes_wrong -> trouble++; sent = false
#endif
       fi }

  :: atomic { !gone[i] && awake[i] && can_apply ->
       if
       :: prepared -> agen[i] = gen; prepared = false; tell ()
       :: !prepared -> prepared = true
#ifdef MUT_ONCE
       :: !prepared && something_goes_wrong -> trouble++; gave_up = true
#else
       :: !prepared && something_goes_wrong -> trouble++
#endif
       fi }
  :: atomic { !gone[i] && awake[i] && can_steer -> wave = 1; tell () }

  /* nothing to do: asleep, until it is told, or until it looks again by itself */
  :: atomic { !gone[i] && awake[i] && !can_vote && !told && !can_decide && !sent && !can_apply && !can_steer ->
       awake[i] = false }
#ifdef MUT_NOCONVERGE
  :: atomic { !gone[i] && !awake[i] -> skip }
#else
  :: atomic { !gone[i] && !awake[i] -> awake[i] = true }
#endif
  od;
stuck: /* it waits for an answer that nobody will give */
  do
  :: gone[i] -> break
  :: !gone[i] -> skip
  od
}

/* The deadline of an open transaction passes at some time. */
proctype Clock ()
{
#ifdef MUT_NODEADLINE
  skip
#else
end:
  spec && !expired -> expired = true; tell ()
#endif
}

init
{
  atomic { awake[0] = true; awake[1] = true; awake[2] = true; run Node (0); run Node (1); run Node (2); run Clock () }
}

#define has(i) (gone[i] || agen[i] == gen)
ltl decided { [] (spec -> <> (dec != NONE)) }
ltl freed { [] (lock_ -> <> !lock_) }
ltl applied { [] (spec -> <> [] (has (0) && has (1) && has (2))) }
