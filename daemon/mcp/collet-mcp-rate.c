/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-rate.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define N_SHARDS 64
#define N_BUCKETS 128 /* in a shard */
#define N_LOOKED_AT 4

typedef struct
{
  guint64 client; /* hash; 0: never used */
  gint64 spent;   /* requests, in millionths; becomes less with time */
  gint64 at_us;
} Bucket;

typedef struct
{
  pthread_mutex_t lock;
  Bucket buckets[N_BUCKETS];
} Shard;

struct _ColletMcpRate
{
  guint64 seed; /* so that nobody can choose whom to share with */
  Shard shards[N_SHARDS];
};

ColletMcpRate *
collet_mcp_rate_new (void)
{
  ColletMcpRate *rate = g_new0 (ColletMcpRate, 1);

  if (getrandom (&rate->seed, sizeof rate->seed, 0) != sizeof rate->seed)
    g_error ("mcp: the kernel gives no random numbers");
  for (guint i = 0; i < N_SHARDS; i++)
    pthread_mutex_init (&rate->shards[i].lock, NULL);
  return rate;
}

void
collet_mcp_rate_free (ColletMcpRate *rate)
{
  for (guint i = 0; i < N_SHARDS; i++)
    pthread_mutex_destroy (&rate->shards[i].lock);
  g_free (rate);
}

static guint64
mix (guint64 value)
{
  value = (value ^ (value >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ (value >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ (value >> 31);
}

static guint64
hash (const ColletMcpRate *rate, const char *client)
{
  guint64 value = rate->seed;

  for (; *client; client++)
    value = mix (value + (guchar)*client);
  return MAX (value, 1);
}

/* With the shard's lock: the client's own, else one that nobody used for a second,
 * else the first. */
static Bucket *
find_locked (Shard *shard, guint64 client, gint64 now_us)
{
  Bucket *unused = NULL;
  guint first = (guint)(client >> 32) % N_BUCKETS;

  for (guint i = 0; i < N_LOOKED_AT; i++)
    {
      Bucket *bucket = &shard->buckets[(first + i) % N_BUCKETS];

      if (bucket->client == client)
        return bucket;
      if (!unused && now_us - bucket->at_us > G_USEC_PER_SEC)
        unused = bucket;
    }
  if (!unused)
    return &shard->buckets[first];
  *unused = (Bucket){ .client = client, .at_us = now_us };
  return unused;
}

gboolean
collet_mcp_rate_take (ColletMcpRate *rate, const char *client, guint per_second, gint64 now_us)
{
  guint64 key = hash (rate, client);
  Shard *shard = &rate->shards[key % N_SHARDS];
  Bucket *bucket;
  gboolean allowed;

  pthread_mutex_lock (&shard->lock);
  bucket = find_locked (shard, key, now_us);
  /* A microsecond gives back a millionth of what a second allows. */
  bucket->spent -= CLAMP (now_us - bucket->at_us, 0, G_USEC_PER_SEC) * per_second;
  bucket->spent = MAX (bucket->spent, 0);
  bucket->at_us = MAX (bucket->at_us, now_us);
  allowed = bucket->spent <= ((gint64)per_second - 1) * G_USEC_PER_SEC;
  if (allowed)
    bucket->spent += G_USEC_PER_SEC;
  pthread_mutex_unlock (&shard->lock);
  return allowed;
}
