"""The far end of the deployment wire: Dokploy, as far as a practice world needs it."""
