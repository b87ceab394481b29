/**
 * What a user can choose: options, the values they may have, and texts that name them. The records
 * that hold the values stand where they are used; flags, JSON and help are made from their options.
 *
 * <p>Public interface.
 */
package dev.culebra.options;
