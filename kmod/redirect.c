// SPDX-License-Identifier: GPL-2.0
/*
 * redirect: a packet that comes from one peer of the cloud and leaves to
 * another takes a detour through this host. tx.c shows every such packet here;
 * user space hears of few and has the sender told (NHRP Traffic Indication).
 * The packet itself is forwarded whatever happens here.
 *
 * A hairpin is a packet that came in by this device or by another one with the
 * same network id, from a peer that the ingress table of that device still
 * knows, and that leaves to a peer at another NBMA address. How the way out
 * was chosen does not matter: also through an NHS, for want of the next hop or
 * because the route says so, the packet is carried twice where once may do.
 * Only the other end of a resolution can tell whether it does, so every hub of
 * a chain tells the one before it.
 *
 * No hairpin, on purpose: what this host sends itself (no ingress device) and
 * what was translated on its way (NAT: connection tracking says so, or the
 * address pair is not the one it came with). A direct path would go round the
 * translation and break the connection. In a VRF the ingress device is the
 * VRF's, and the table of the device that the packet leaves by decides; two
 * devices of one cloud in one VRF do not see each other's packets.
 *
 * The limits, for memory that never grows:
 *
 *  - a key (ingress peer, destination, egress peer) is told of once in the
 *    interval, which doubles up to BACKOFF_MAX for as long as its packets go on
 *    and is back at the start after SILENCE without. Keys have slots in small
 *    sets. A new one takes the slot of the one told of longest ago, so that a
 *    flood of keys first costs others their back-off and not their interval;
 *  - a peer has a bucket, and the device one. The more a peer has taken of its
 *    own, the less it may take of the device's: those who never stop share
 *    what nobody else wants, and a quiet peer's first hairpin finds tokens. So
 *    it is up to as many peers that never stop as empty the device's bucket,
 *    256; beyond that all have equal chances.
 *
 * Whoever is held back has only read. The steady state on a hub whose spokes
 * ignore redirects costs two look-ups, two hashes and a cache line, and stores
 * nothing but this processor's counter.
 */
#include <linux/mm.h>
#include <net/l3mdev.h>
#include <net/netfilter/nf_conntrack.h>

#include "bucket.h"
#include "ingress.h"
#include "mcast.h"
#include "netlink.h"
#include "redirect.h"

#define BACKOFF_MAX	(360 * HZ)
#define SILENCE		(60 * HZ)

#define SETS		4096
#define WAYS		4

#define PEER_COST	((s64)NSEC_PER_SEC / 2)		/* a second and peer */
#define PEER_DEPTH	(64 * PEER_COST)
#define DEV_COST	((s64)NSEC_PER_SEC / 512)	/* a second and device */
#define DEV_DEPTH	(256 * DEV_COST)

/**
 * struct dmvpn_redirect - how often packets of a device may call user space
 * @bucket: of the device
 * @slot: of a key, written whole: 27 bits of its hash, 5 of how often the
 *	interval was doubled, 32 of the jiffies until which it waits. 0: free
 */
struct dmvpn_redirect {
	atomic64_t bucket;
	atomic64_t slot[SETS][WAYS] ____cacheline_aligned;
};

#define LEVEL_SHIFT	32
#define LEVEL_MAX	31
#define TAG_SHIFT	37

static u64 slot_tag(u64 key)
{
	return key >> TAG_SHIFT ?: 1;
}

static u32 slot_level(u64 val)
{
	return val >> LEVEL_SHIFT & LEVEL_MAX;
}

static u64 slot_value(u64 key, u32 level, u32 until)
{
	return slot_tag(key) << TAG_SHIFT | (u64)level << LEVEL_SHIFT | until;
}

static u32 level_wait(u32 interval, u32 level)
{
	return min_t(u64, (u64)interval << level, max_t(u32, interval, BACKOFF_MAX));
}

/* An end further away than the wait is old, or of another interval. */
static bool waits(u64 val, u32 interval, u32 now)
{
	return (u32)val - now - 1 < level_wait(interval, slot_level(val));
}

static u32 told_ago(u64 val, u32 interval, u32 now)
{
	if (!val)
		return U32_MAX;
	return now - ((u32)val - level_wait(interval, slot_level(val)));
}

/* The key's slot, or the one to be given up for it; what is in it in *@val. */
static atomic64_t *find_slot(struct dmvpn_redirect *rd, u64 key, u32 interval,
			     u32 now, u64 *val)
{
	atomic64_t *set = rd->slot[key % SETS], *oldest = NULL;
	u32 ago, most = 0;
	unsigned int i;
	u64 v;

	for (i = 0; i < WAYS; i++) {
		v = atomic64_read(&set[i]);
		if (v >> TAG_SHIFT == slot_tag(key)) {
			*val = v;
			return &set[i];
		}
		ago = told_ago(v, interval, now);
		if (!oldest || ago > most) {
			oldest = &set[i];
			most = ago;
			*val = v;
		}
	}
	return oldest;
}

/* A peer with half of its own bucket may take half of the device's, and so on. */
static bool take_tokens(atomic64_t *device, atomic64_t *peer, s64 ns)
{
	s64 left = PEER_DEPTH - dmvpn_bucket_used(peer, ns);

	return left >= PEER_COST &&
	       dmvpn_bucket_take(device, ns, DEV_COST,
				 div_u64(left, PEER_DEPTH / DEV_DEPTH)) &&
	       dmvpn_bucket_take(peer, ns, PEER_COST, PEER_DEPTH);
}

bool dmvpn_redirect_allowed(struct dmvpn_redirect *rd, atomic64_t *peer,
			    u64 key, u32 interval, u64 now)
{
	u32 level = 0, now32 = now;
	atomic64_t *slot;
	u64 val, new;

	slot = find_slot(rd, key, interval, now32, &val);
	if (val >> TAG_SHIFT == slot_tag(key)) {
		if (waits(val, interval, now32))
			return false;
		if (now32 - (u32)val < SILENCE)
			level = min_t(u32, slot_level(val) + 1, LEVEL_MAX);
	}
	if (!take_tokens(&rd->bucket, peer, dmvpn_bucket_time(now)))
		return false;
	/* Another processor may have told of the same packet's brother. */
	new = slot_value(key, level, now32 + level_wait(interval, level));
	return atomic64_cmpxchg(slot, val, new) == val;
}

void dmvpn_redirect_forget(struct dmvpn_redirect *rd, u64 key)
{
	atomic64_t *set = rd->slot[key % SETS];
	unsigned int i;
	s64 val;

	for (i = 0; i < WAYS; i++) {
		val = atomic64_read(&set[i]);
		if ((u64)val >> TAG_SHIFT == slot_tag(key))
			atomic64_cmpxchg(&set[i], val, 0);
	}
}

int dmvpn_redirect_init(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf)
{
	struct dmvpn_redirect *rd;

	if (!(conf->flags & DMVPN_LINK_F_REDIRECT) ||
	    rtnl_dereference(ddev->redirect))
		return 0;
	rd = kvzalloc(sizeof(*rd), GFP_KERNEL_ACCOUNT);
	if (!rd)
		return -ENOMEM;
	rcu_assign_pointer(ddev->redirect, rd);
	return 0;
}

void dmvpn_redirect_destroy(struct dmvpn_dev *ddev)
{
	kvfree(rcu_dereference_protected(ddev->redirect, true));
}

/* Which device's ingress table knows the packet, if it came by the cloud? */
static struct dmvpn_dev *ingress_device(struct dmvpn_dev *ddev,
					const struct dmvpn_conf *conf, int iif)
{
	if (netif_is_l3_slave(ddev->dev) &&
	    iif == l3mdev_master_ifindex_rcu(ddev->dev))
		return ddev;
	return dmvpn_ingress_dev(ddev, conf, iif);
}

static u64 hairpin_key(const struct dmvpn_dev *ddev, const struct dmvpn_dev *in,
		       const struct dmvpn_peer *from,
		       const struct in6_addr *daddr,
		       const struct dmvpn_peer *to)
{
	u32 words[] = {
		in->dev->ifindex, from->id, dmvpn_addr_word(daddr, ddev->seed),
		to->id
	};

	return (u64)jhash2(words, ARRAY_SIZE(words), ~ddev->seed) << 32 |
	       jhash2(words, ARRAY_SIZE(words), ddev->seed);
}

/* The pair of addresses alone may be that of another connection. */
static bool translated(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);

	return ct && READ_ONCE(ct->status) & IPS_NAT_MASK;
#else
	return false;
#endif
}

/* The peer that a hairpin came from, or NULL; its device in *@in. */
static struct dmvpn_peer *hairpin(struct dmvpn_dev *ddev,
				  const struct dmvpn_conf *conf,
				  const struct sk_buff *skb,
				  const struct dmvpn_flow *flow,
				  const struct dmvpn_peer *to,
				  struct dmvpn_dev **in)
{
	struct dmvpn_peer *from;
	u32 id;

	*in = ingress_device(ddev, conf, flow->iif);
	if (!*in || dmvpn_is_multicast(skb) || translated(skb))
		return NULL;
	id = dmvpn_ingress_of(*in, flow);
	from = id ? xa_load(&(*in)->peer_ids, id) : NULL;
	/* One spoke may be a peer of two devices. */
	if (!from || !memcmp(&from->key, &to->key, sizeof(from->key)))
		return NULL;
	return from;
}

/* Through the device that the packet came in by: there its sender is told. */
static int tell(struct dmvpn_dev *in, const struct sk_buff *skb,
		const struct dmvpn_flow *flow, const struct dmvpn_peer *from,
		const struct dmvpn_peer *to)
{
	struct dmvpn_event event = {
		.cmd = DMVPN_CMD_REDIRECT_NTF,
		.nexthop = flow->nexthop,
		.src = flow->saddr,
		.dst = flow->daddr,
		.peer = to,
		.ingress = from,
		.head = skb,
	};

	return dmvpn_nl_upcall(in, &event);
}

void dmvpn_redirect_check(struct dmvpn_dev *ddev,
			  const struct dmvpn_conf *conf,
			  const struct sk_buff *skb,
			  const struct dmvpn_flow *flow,
			  const struct dmvpn_peer *to)
{
	struct dmvpn_redirect *rd = rcu_dereference(ddev->redirect);
	struct dmvpn_dev *in;
	struct dmvpn_peer *from = hairpin(ddev, conf, skb, flow, to, &in);
	u64 key;

	if (!rd || !from)
		return;
	key = hairpin_key(ddev, in, from, &flow->daddr, to);
	if (!dmvpn_redirect_allowed(rd, &from->redirects, key,
				    msecs_to_jiffies(conf->redirect_interval),
				    get_jiffies_64())) {
		dmvpn_count(ddev, DMVPN_COUNT_REDIRECT_SUPPRESSED);
	} else if (tell(in, skb, flow, from, to)) {
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL_LOST);
		dmvpn_redirect_forget(rd, key);
	} else {
		dmvpn_count(ddev, DMVPN_COUNT_REDIRECT);
	}
}
