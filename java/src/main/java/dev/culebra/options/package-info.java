/**
 * What a user can choose: options, the values they may have, and texts that name them. The records
 * with the values are in the packages that use them; flags, JSON and help are derived from their
 * options.
 *
 * <p>Public interface.
 */
package dev.culebra.options;
