// SPDX-License-Identifier: GPL-2.0
/*
 * life: expiry and use of the entries of a device's tables.
 *
 * An entry past its expiry counts as absent for packets at once; the sweep,
 * one work per device, removes it within about a second and tells user space.
 * An entry that is used within its refresh time before the end is told once.
 */
#include "life.h"
#include "neigh.h"
#include "shortcut.h"

static void sweep_soon(struct dmvpn_dev *ddev)
{
	queue_delayed_work(system_power_efficient_wq, &ddev->sweep, HZ);
}

void dmvpn_life_apply(struct dmvpn_dev *ddev, struct dmvpn_life *life,
		      const struct dmvpn_life_set *set)
{
	if (set->has_expires) {
		WRITE_ONCE(life->expires,
			   jiffies + msecs_to_jiffies(set->expires_ms));
		/* Pairs with dmvpn_life_expired(): first the time. */
		smp_store_release(&life->has_expiry, set->expires_ms != 0);
		life->told_used = false;
	}
	if (set->has_refresh) {
		life->refresh = msecs_to_jiffies(set->refresh_ms);
		life->told_used = false;
	}
	if (set->has_cookie) {
		memcpy(life->cookie, set->cookie, set->cookie_len);
		life->cookie_len = set->cookie_len;
	}
	if (life->has_expiry)
		sweep_soon(ddev);
}

static bool wants_refresh(const struct dmvpn_life *life)
{
	return life->refresh && !life->told_used && life->ever_used &&
	       time_after_eq(READ_ONCE(life->used),
			     life->expires - life->refresh) &&
	       time_after_eq(jiffies, life->expires - life->refresh);
}

enum dmvpn_life_due dmvpn_life_due(struct dmvpn_life *life)
{
	if (!life->has_expiry)
		return DMVPN_LIFE_NOTHING;
	if (dmvpn_life_expired(life))
		return DMVPN_LIFE_OVER;
	if (!wants_refresh(life))
		return DMVPN_LIFE_NOTHING;
	life->told_used = true;
	return DMVPN_LIFE_WANTED;
}

void dmvpn_sweep(struct work_struct *work)
{
	struct dmvpn_dev *ddev = container_of(to_delayed_work(work),
					      struct dmvpn_dev, sweep);
	bool more;

	mutex_lock(&ddev->lock);
	if (!ddev->dying) {
		more = dmvpn_neighs_sweep(ddev);
		more |= dmvpn_shortcuts_sweep(ddev);
		if (more)
			sweep_soon(ddev);
	}
	mutex_unlock(&ddev->lock);
}
