import { jwtVerify, createRemoteJWKSet } from "jose";

const JWKS = createRemoteJWKSet(
  new URL("https://auth.example.com/api/auth/jwks")
);

export async function checkPermission(
  token: string,
  entityType: string,
  permission: string
): Promise<boolean> {
  const { payload } = await jwtVerify(token, JWKS, {
    issuer: "https://auth.example.com",
    audience: "your-audience",
  });

  const perms = payload.permissions as Record<string, string[]>;
  const abacRequired = payload.abac_required as Record<string, string[]>;

  // Check if the permission exists in the JWT
  const entityPerms = perms[entityType];
  if (!entityPerms?.includes(permission)) return false;

  // Check if this permission requires ABAC evaluation
  const needsAbac = abacRequired?.[entityType]?.includes(permission);
  if (!needsAbac) return true; // Static permission, JWT is sufficient

  // For ABAC permissions, call Auther's check-permission endpoint
  // (see "Working with ABAC Policies")
  return false; // must call check-permission with resource context
}
