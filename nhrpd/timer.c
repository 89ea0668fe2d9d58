/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timer: a pairing heap of deadlines (Fredman et al. 1986). Called by the
 * engine and its procedures; knows nothing of them.
 */
#include "timer.h"

#include <stddef.h>

static struct timer *merge(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->at < a->at) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Joins a list of siblings: in pairs from the left, then from the right. */
static struct timer *merge_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL, *a, *b, *rest;

	for (; first; first = rest) {
		a = first;
		b = a->next;
		rest = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	for (; pairs; pairs = rest) {
		rest = pairs->next;
		pairs->next = NULL;
		root = merge(root, pairs);
	}
	if (root)
		root->prev = NULL;
	return root;
}

static void unlink_node(struct timer *t)
{
	if (t->prev->child == t)
		t->prev->child = t->next;
	else
		t->prev->next = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

void timer_stop(struct timers *h, struct timer *t)
{
	struct timer *below;

	if (!t->armed)
		return;
	below = merge_siblings(t->child);
	if (t == h->root) {
		h->root = below;
	} else {
		unlink_node(t);
		h->root = merge(h->root, below);
	}
	t->child = t->next = t->prev = NULL;
	t->armed = false;
}

void timer_set(struct timers *h, struct timer *t, uint64_t at)
{
	timer_stop(h, t);
	t->at = at;
	t->armed = true;
	h->root = merge(h->root, t);
}

struct timer *timer_due(struct timers *h, uint64_t now)
{
	struct timer *t = h->root;

	if (!t || t->at > now)
		return NULL;
	timer_stop(h, t);
	return t;
}
